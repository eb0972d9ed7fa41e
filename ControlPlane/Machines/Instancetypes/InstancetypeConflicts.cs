using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Fields that a machine must leave to its instance type.</summary>
public static class InstancetypeConflicts
{
    private static readonly (string Path, Func<VirtualMachineInstanceSpec, VirtualMachineInstancetypeSpec, bool> Conflicts)[] Rules =
    [
        ("domain.cpu.sockets", (s, _) => s.Domain?.Cpu?.Sockets is > 0),
        ("domain.cpu.cores", (s, _) => s.Domain?.Cpu?.Cores is > 0),
        ("domain.cpu.threads", (s, _) => s.Domain?.Cpu?.Threads is > 0),
        ("domain.cpu.model", (s, t) => s.Domain?.Cpu?.Model is { Length: > 0 } && t.Cpu?.Model is not null),
        ("domain.cpu.dedicatedCPUPlacement", (s, t) => s.Domain?.Cpu?.DedicatedCpuPlacement is true && t.Cpu?.DedicatedCPUPlacement is not null),
        ("domain.cpu.isolateEmulatorThread", (s, t) => s.Domain?.Cpu?.IsolateEmulatorThread is true && t.Cpu?.IsolateEmulatorThread is not null),
        ("domain.cpu.numa", (s, t) => s.Domain?.Cpu?.Numa is not null && t.Cpu?.Numa is not null),
        ("domain.cpu.realtime", (s, t) => s.Domain?.Cpu?.Realtime is not null && t.Cpu?.Realtime is not null),
        ("domain.cpu.maxSockets", (s, t) => s.Domain?.Cpu?.MaxSockets is > 0 && t.Cpu?.MaxSockets is not null),
        ("domain.resources.requests.cpu", (s, _) => s.Domain?.Resources?.Requests?.ContainsKey("cpu") is true),
        ("domain.resources.limits.cpu", (s, _) => s.Domain?.Resources?.Limits?.ContainsKey("cpu") is true),
        ("domain.memory.guest", (s, _) => s.Domain?.Memory?.Guest is not null),
        ("domain.memory.hugepages", (s, t) => s.Domain?.Memory?.Hugepages is not null && t.Memory?.Hugepages is not null),
        ("domain.memory.maxGuest", (s, t) => s.Domain?.Memory?.MaxGuest is not null && t.Memory?.MaxGuest is not null),
        ("domain.resources.requests.memory", (s, _) => s.Domain?.Resources?.Requests?.ContainsKey("memory") is true),
        ("domain.resources.limits.memory", (s, _) => s.Domain?.Resources?.Limits?.ContainsKey("memory") is true),
        ("domain.ioThreadsPolicy", (s, t) => s.Domain?.IoThreadsPolicy is not null && t.IoThreadsPolicy is not null),
        ("domain.ioThreads", (s, t) => s.Domain?.IoThreads is not null && t.IoThreads is not null),
        ("domain.launchSecurity", (s, t) => s.Domain?.LaunchSecurity is not null && t.LaunchSecurity is not null),
        ("domain.devices.gpus", (s, t) => s.Domain?.Devices?.Gpus is { Count: > 0 } && t.Gpus is { Count: > 0 }),
        ("domain.devices.hostDevices", (s, t) => s.Domain?.Devices?.HostDevices is { Count: > 0 } && t.HostDevices is { Count: > 0 }),
        ("nodeSelector", (s, t) => s.NodeSelector is { Count: > 0 } && t.NodeSelector is { Count: > 0 }),
        ("schedulerName", (s, t) => s.SchedulerName is { Length: > 0 } && t.SchedulerName is { Length: > 0 }),
    ];

    /// <summary>Paths below the instance's spec.</summary>
    public static IReadOnlyList<string> Of(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec instancetype) =>
        [.. Rules.Where(r => r.Conflicts(spec, instancetype)).Select(r => r.Path)];

    /// <summary>KubeVirt's words for one of them.</summary>
    /// <param name="path">The whole path, for example `spec.template.spec.domain.cpu.sockets`.</param>
    public static string Message(string path) => $"VM field(s) {path} conflicts with selected instance type";
}
