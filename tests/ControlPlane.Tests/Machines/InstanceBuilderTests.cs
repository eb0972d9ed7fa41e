using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class InstanceBuilderTests
{
    [Fact]
    public void The_instance_is_named_after_the_machine_and_owned_by_it()
    {
        var machine = Vm("Always");
        machine = machine with
        {
            Spec = machine.Spec! with
            {
                Template = machine.Spec.Template! with
                {
                    Metadata = new ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "web" }, Annotations = new Dictionary<string, string> { ["a"] = "b" } },
                },
            },
        };
        var (instance, conflicts) = InstanceBuilder.Build(machine, new InstanceParts(null, null, "r", Paused: true));
        Assert.Empty(conflicts);
        Assert.Equal(("web", "n"), (instance.Metadata.Name, instance.Metadata.Namespace));
        Assert.Equal("web", instance.Metadata.Labels!["app"]);
        Assert.Equal(("b", "1"), (instance.Metadata.Annotations!["a"], instance.Metadata.Annotations["kubevirt.io/vm-generation"]));
        Assert.Equal(["kubevirt.io/virtualMachineControllerFinalize"], instance.Metadata.Finalizers);
        var owner = Assert.Single(instance.Metadata.OwnerReferences!);
        Assert.Equal(("VirtualMachine", "vm-1", true, true), (owner.Kind, owner.Uid, owner.Controller, owner.BlockOwnerDeletion));
        Assert.Equal(("Paused", "r"), (instance.Spec!.StartStrategy, instance.Status!.VirtualMachineRevisionName));
    }

    [Fact]
    public void The_firmware_UUID_of_a_machine_without_one_is_that_of_its_name_for_ever()
    {
        Assert.Equal("5a9fc181-957e-5c32-9e5a-2de5e9673531", FirmwareUuid.OfName("testvm").ToString());
        var (instance, _) = InstanceBuilder.Build(Vm("Always"), new InstanceParts(null, null, "r", Paused: false));
        Assert.Equal(FirmwareUuid.OfName("web").ToString(), instance.Spec!.Domain!.Firmware!.Uuid);
        var own = Vm("Always", template: s => s with { Domain = s.Domain! with { Firmware = new Firmware { Uuid = "c7e41d9d-3bd6-4d4f-8a4e-0f4b7cd4a3a1" } } });
        Assert.Equal("c7e41d9d-3bd6-4d4f-8a4e-0f4b7cd4a3a1", InstanceBuilder.Build(own, new InstanceParts(null, null, "r", false)).Instance.Spec!.Domain!.Firmware!.Uuid);
    }

    [Fact]
    public void A_receiver_is_marked_as_the_target_of_a_migration()
    {
        var (instance, _) = InstanceBuilder.Build(Vm("WaitAsReceiver"), new InstanceParts(null, null, "r", false));
        Assert.Equal("true", instance.Metadata.Annotations!["kubevirt.io/create-migration-target"]);
    }
}
