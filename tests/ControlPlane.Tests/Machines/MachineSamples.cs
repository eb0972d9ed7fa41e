using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>Machines and instances as the tests need them.</summary>
internal static class MachineSamples
{
    public static readonly DateTimeOffset Now = new(2026, 11, 25, 10, 0, 0, TimeSpan.Zero);

    public static VirtualMachine Vm(string strategy, Func<VirtualMachineStatus, VirtualMachineStatus>? status = null, Func<VirtualMachineInstanceSpec, VirtualMachineInstanceSpec>? template = null) => new()
    {
        Metadata = new ObjectMeta { Name = "web", Namespace = "n", Uid = "vm-1", Generation = 1, ResourceVersion = "10", Finalizers = ["kubevirt.io/virtualMachineControllerFinalize"] },
        Spec = new VirtualMachineSpec { RunStrategy = strategy, Template = new VirtualMachineInstanceTemplateSpec { Spec = (template ?? (s => s))(Spec()) } },
        Status = (status ?? (s => s))(new VirtualMachineStatus()),
    };

    public static VirtualMachineInstanceSpec Spec() => new()
    {
        Domain = new DomainSpec
        {
            Cpu = new CPU { Sockets = 1, Cores = 1, Threads = 1 },
            Memory = new Memory { Guest = new Quantity("1Gi") },
            Devices = new Devices { Disks = [new Disk { Name = "root", DiskValue = new DiskTarget { Bus = "virtio" } }] },
        },
        Volumes = [new Volume { Name = "root", ContainerDisk = new ContainerDiskSource { Image = "demo" } }],
    };

    public static VirtualMachineInstance Instance(string phase, string uid = "vmi-1", bool ran = true, bool deleting = false, long generation = 1, VirtualMachineInstanceSpec? spec = null) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = "web",
            Namespace = "n",
            Uid = uid,
            ResourceVersion = "20",
            DeletionTimestamp = deleting ? Now : null,
            Finalizers = ["kubevirt.io/virtualMachineControllerFinalize"],
            Annotations = new Dictionary<string, string> { ["kubevirt.io/vm-generation"] = $"{generation}" },
        },
        Spec = spec ?? Spec(),
        Status = new VirtualMachineInstanceStatus
        {
            Phase = phase,
            VirtualMachineRevisionName = "revision-start-vm-vm-1-1",
            PhaseTransitionTimestamps = ran ? [new VirtualMachineInstancePhaseTransitionTimestamp { Phase = "Running", PhaseTransitionTimestamp = Now }] : null,
        },
    };

    public static MachineState State(VirtualMachine machine, VirtualMachineInstance? instance = null) =>
        new(machine.Metadata.Uid!) { Machine = machine, Instance = instance, InstanceKnown = true };

    public static MachineDecision Decide(MachineState state, MachineConfig? config = null, DateTimeOffset? now = null) =>
        MachineLifecycle.Decide(state, config ?? new MachineConfig(), now ?? Now, 0)!;

    /// <summary>The kinds of the effects, in order.</summary>
    public static string Did(MachineDecision decision) => string.Join(' ', decision.Effects.Select(e => e.GetType().Name));

    public static string Word(MachineState state) => MachineProjection.Status(state, Decide(state), Now).PrintableStatus!;
}
