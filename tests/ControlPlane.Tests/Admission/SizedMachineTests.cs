using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.ControlPlane.Machines.Instancetypes.Common;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>Machines with an instance type or a preference: judged as their VMI will be made.</summary>
public class SizedMachineTests
{
    [Theory]
    [InlineData("spec.template.spec.domain.cpu", """{ "sockets": 2 }""", "spec.template.spec.domain.cpu.sockets", "VM field(s) spec.template.spec.domain.cpu.sockets conflicts with selected instance type")]
    [InlineData("spec.template.spec.domain.memory", """{ "guest": "1Gi" }""", "spec.template.spec.domain.memory.guest", "VM field(s) spec.template.spec.domain.memory.guest conflicts with selected instance type")]
    [InlineData("spec.template.spec.domain.resources", """{ "limits": { "memory": "1Gi" } }""", "spec.template.spec.domain.resources.limits.memory", "VM field(s) spec.template.spec.domain.resources.limits.memory conflicts with selected instance type")]
    [InlineData("spec.preference", """{ "name": "demanding" }""", "spec.instancetype", "failure checking preference requirements: insufficient CPU resources of 1 vCPU provided by instance type, preference requires 4 vCPU")]
    [InlineData("spec.preference", """{ "name": "spread" }""", "instancetype.spec.cpu.guest",
        "1 vCPUs provided by the instance type are not divisible by the Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio of 2 provided by the preference")]
    public async Task What_does_not_fit_together_is_refused(string path, string json, string field, string message)
    {
        var (verdict, _) = await Harness().CreateAsync(Sized().Set(path, json));

        var cause = Assert.Single(verdict.Refusal?.Details?.Causes ?? []);
        Assert.Equal((field, message), (cause.Field, cause.Message));
    }

    [Theory]
    [InlineData("a", false)]
    [InlineData("b", true)]
    public async Task Annotations_of_the_template_and_of_its_instance_type_must_agree(string own, bool isRefused)
    {
        var harness = Harness();
        harness.Objects.Add(new VirtualMachineClusterInstancetype
        {
            Metadata = new ObjectMeta { Name = "noted" },
            Spec = new VirtualMachineInstancetypeSpec
            {
                Cpu = new CPUInstancetype { Guest = 1 },
                Memory = new MemoryInstancetype { Guest = new Quantity("1Gi") },
                Annotations = new Dictionary<string, string> { ["note"] = "a" },
            },
        });

        var (verdict, _) = await harness.CreateAsync(Sized().Set("spec.instancetype.name", "\"noted\"").Set("spec.template.metadata.annotations.note", $"\"{own}\""));

        Assert.Equal(isRefused ? "VM field(s) annotations.note conflicts with selected instance type" : null, verdict.Refusal?.Message);
    }

    [Theory]
    [InlineData("spec.instancetype", """{ "name": "nothing" }""")]
    [InlineData("spec.instancetype", """{ "name": "mine", "kind": "VirtualMachineInstancetype" }""")]
    [InlineData("spec.instancetype", """{ "name": "u1.small", "revisionName": "kept" }""")]
    [InlineData("spec.preference", """{ "name": "nothing" }""")]
    public async Task A_machine_may_come_before_what_sizes_it(string path, string json)
    {
        var (verdict, stored) = await Harness().CreateAsync(Sized().Set(path, json));

        Assert.Null(verdict.Refusal?.Message);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), InstanceDefaultTests.At(stored!, path)));
    }

    [Fact]
    public async Task A_preference_is_asked_for_although_the_instance_type_is_missing()
    {
        var (verdict, _) = await Harness().CreateAsync(Sized().Set("spec.instancetype.name", "\"nothing\"").Set("spec.preference", """{ "name": "demanding" }"""));

        Assert.Equal("failure checking preference requirements: insufficient CPU resources of 1 vCPU provided by VirtualMachine, preference requires 4 vCPU provided as sockets", verdict.Refusal?.Message);
    }

    [Fact]
    public async Task A_machine_without_memory_of_its_own_is_admitted_with_that_of_its_instance_type_and_stays_as_it_was_written()
    {
        var (verdict, stored) = await Harness().CreateAsync(Sized());

        Assert.True(verdict.IsAllowed, verdict.Refusal?.Message);
        Assert.Null(stored!["spec"]!["template"]!["spec"]!["domain"]!["memory"]);
        Assert.Equal("u1.small", (string?)stored["spec"]!["instancetype"]!["name"]);
    }

    [Fact]
    public async Task A_revision_is_used_although_the_instance_type_is_gone()
    {
        var harness = new AdmissionHarness();
        var gone = CommonInstancetypes.All.First(i => i.Metadata.Name == "u1.small");
        var vm = new VirtualMachine { Metadata = new ObjectMeta { Name = "vm", Namespace = "default", Uid = "1" } };
        var kept = InstancetypeRevisions.Make(vm, gone with { Metadata = gone.Metadata with { Uid = "2" } }, gone.Kind!);
        harness.Objects.Add(kept with { Metadata = kept.Metadata with { Name = "kept" } });

        var (verdict, _) = await harness.CreateAsync(Sized().Set("spec.instancetype.revisionName", "\"kept\""));

        Assert.True(verdict.IsAllowed, verdict.Refusal?.Message);
    }

    [Fact]
    public async Task Every_common_instance_type_and_preference_is_admitted_itself()
    {
        foreach (var obj in CommonInstancetypes.All.Cast<KubeObject>().Concat(CommonPreferences.All))
        {
            var json = System.Text.Json.JsonSerializer.SerializeToNode(obj, obj.GetType(), Messages.Api.ApiJson.Default)!.AsObject();
            Assert.True((await new AdmissionHarness().CreateAsync(json)).Verdict.IsAllowed, obj.Metadata.Name);
        }
    }

    [Fact]
    public void Expanding_a_machine_puts_in_what_its_references_say_and_takes_them_away()
    {
        var small = CommonInstancetypes.All.First(i => i.Metadata.Name == "u1.small");
        var vm = new VirtualMachine
        {
            Metadata = new ObjectMeta { Name = "vm", Namespace = "default" },
            Spec = new VirtualMachineSpec
            {
                RunStrategy = "Always",
                Instancetype = new InstancetypeMatcher { Name = "u1.small" },
                Preference = new PreferenceMatcher { Name = "p" },
                Template = new VirtualMachineInstanceTemplateSpec
                {
                    Spec = new VirtualMachineInstanceSpec { Volumes = [new Volume { Name = "root", ContainerDisk = new ContainerDiskSource { Image = "demo" } }] },
                },
            },
        };
        var preference = new VirtualMachinePreferenceSpec { Devices = new DevicePreferences { PreferredDiskBus = "scsi" } };

        var (problem, expanded) = ExpandEndpoints.Expand(vm, new UsedInstancetypes(small.Spec, preference), ClusterConfig.Default);

        Assert.Null(problem);
        Assert.Null(expanded!.Spec!.Instancetype);
        Assert.Null(expanded.Spec.Preference);
        var domain = expanded.Spec.Template!.Spec!.Domain!;
        Assert.Equal((small.Spec!.Memory!.Guest, 1L), (domain.Memory!.Guest, domain.Cpu!.Sockets));
        Assert.Equal("scsi", Assert.Single(domain.Devices!.Disks!).DiskValue!.Bus);
        var again = ExpandEndpoints.Expand(expanded, new UsedInstancetypes(small.Spec, null), ClusterConfig.Default);
        Assert.Contains("conflicts with selected instance type", again.Problem, StringComparison.Ordinal);
    }

    private static JsonObject Sized() => Objects.Vm().Set("spec.template.spec.domain.memory", "null").Set("spec.instancetype", """{ "name": "u1.small" }""");

    private static AdmissionHarness Harness()
    {
        var harness = new AdmissionHarness();
        foreach (var instancetype in CommonInstancetypes.All)
            harness.Objects.Add(instancetype);
        harness.Objects.Add(Preference("demanding", new VirtualMachinePreferenceSpec { Requirements = new PreferenceRequirements { Cpu = new CPUPreferenceRequirement { Guest = 4 } } }));
        harness.Objects.Add(Preference("spread", new VirtualMachinePreferenceSpec { Cpu = new CPUPreferences { PreferredCPUTopology = "spread" } }));
        return harness;
    }

    private static VirtualMachineClusterPreference Preference(string name, VirtualMachinePreferenceSpec spec) => new() { Metadata = new ObjectMeta { Name = name }, Spec = spec };
}
