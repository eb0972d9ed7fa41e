using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Fields that a machine must leave to its instance type.</summary>
public static class InstancetypeConflicts
{
    private static readonly Rule[] BeforeMemory =
    [
        new("nodeSelector", (s, t) => s.NodeSelector is not null && t.NodeSelector is not null),
        new("schedulerName", (s, t) => s.SchedulerName is { Length: > 0 } && t.SchedulerName is { Length: > 0 }),
        new("domain.resources.requests.cpu", (s, _) => s.Domain?.Resources?.Requests?.ContainsKey("cpu") is true),
        new("domain.resources.limits.cpu", (s, _) => s.Domain?.Resources?.Limits?.ContainsKey("cpu") is true),
        new("domain.cpu.sockets", (s, _) => s.Domain?.Cpu?.Sockets is > 0),
        new("domain.cpu.cores", (s, _) => s.Domain?.Cpu?.Cores is > 0),
        new("domain.cpu.threads", (s, _) => s.Domain?.Cpu?.Threads is > 0),
        new("domain.cpu.model", (s, t) => s.Domain?.Cpu?.Model is { Length: > 0 } && t.Cpu?.Model is not null),
        new("domain.cpu.dedicatedCPUPlacement", (s, t) => s.Domain?.Cpu?.DedicatedCpuPlacement is true && t.Cpu?.DedicatedCPUPlacement is not null),
        new("domain.cpu.isolateEmulatorThread", (s, t) => s.Domain?.Cpu?.IsolateEmulatorThread is true && t.Cpu?.IsolateEmulatorThread is not null),
        new("domain.cpu.numa", (s, t) => s.Domain?.Cpu?.Numa is not null && t.Cpu?.Numa is not null),
        new("domain.cpu.realtime", (s, t) => s.Domain?.Cpu?.Realtime is not null && t.Cpu?.Realtime is not null),
    ];

    /// <summary>Of these only the first is named.</summary>
    private static readonly Rule[] Memory =
    [
        new("domain.memory.guest", (s, _) => s.Domain?.Memory?.Guest is not null),
        new("domain.memory.hugepages", (s, t) => s.Domain?.Memory?.Hugepages is not null && t.Memory?.Hugepages is not null),
        new("domain.memory.maxGuest", (s, t) => s.Domain?.Memory?.MaxGuest is not null && t.Memory?.MaxGuest is not null),
        new("domain.resources.requests.memory", (s, _) => s.Domain?.Resources?.Requests?.ContainsKey("memory") is true),
        new("domain.resources.limits.memory", (s, _) => s.Domain?.Resources?.Limits?.ContainsKey("memory") is true),
    ];

    private static readonly Rule[] AfterMemory =
    [
        new("domain.ioThreads.supplementalPoolThreadCount", (s, t) => s.Domain?.IoThreads?.SupplementalPoolThreadCount is not null && t.IoThreads?.SupplementalPoolThreadCount is not null),
        new("domain.ioThreadsPolicy", (s, t) => s.Domain?.IoThreadsPolicy is not null && t.IoThreadsPolicy is not null),
        new("domain.launchSecurity", (s, t) => s.Domain?.LaunchSecurity is not null && t.LaunchSecurity is not null),
        new("domain.devices.gpus", (s, t) => s.Domain?.Devices?.Gpus is { Count: > 0 } && t.Gpus is { Count: > 0 }),
        new("domain.devices.hostDevices", (s, t) => s.Domain?.Devices?.HostDevices is { Count: > 0 } && t.HostDevices is { Count: > 0 }),
    ];

    /// <summary>Paths below the instance's spec, in KubeVirt's order.</summary>
    public static IReadOnlyList<string> Of(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec instancetype)
    {
        return [.. Paths(BeforeMemory), .. Paths(Memory).Take(1), .. Paths(AfterMemory)];

        IEnumerable<string> Paths(IEnumerable<Rule> rules) => rules.Where(r => r.Conflicts(spec, instancetype)).Select(r => r.Path);
    }

    /// <summary>Annotations to which both give a value, and not the same.</summary>
    public static IReadOnlyList<string> Of(ObjectMeta? template, VirtualMachineInstancetypeSpec? instancetype) =>
        [.. (instancetype?.Annotations ?? new Dictionary<string, string>()).Where(a => template?.Annotations?.TryGetValue(a.Key, out var own) is true && own != a.Value).Select(a => $"annotations.{a.Key}")];

    /// <summary>KubeVirt's words for one of them.</summary>
    /// <param name="path">The whole path, for example `spec.template.spec.domain.cpu.sockets`.</param>
    public static string Message(string path) => $"VM field(s) {path} conflicts with selected instance type";

    private sealed record Rule(string Path, Func<VirtualMachineInstanceSpec, VirtualMachineInstancetypeSpec, bool> Conflicts);
}
