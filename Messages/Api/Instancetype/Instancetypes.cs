using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Instancetype;

/// <summary>A size for virtual machines: CPU, memory and resources, for use in its namespace.</summary>
public sealed record VirtualMachineInstancetype : KubeObject
{
    [ApiRequired]
    public VirtualMachineInstancetypeSpec? Spec { get; init; }
}

/// <summary>A size for virtual machines: CPU, memory and resources, for use in all namespaces.</summary>
public sealed record VirtualMachineClusterInstancetype : KubeObject
{
    [ApiRequired]
    public VirtualMachineInstancetypeSpec? Spec { get; init; }
}

public sealed record VirtualMachineInstancetypeSpec : ApiObject
{
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    [ApiRequired]
    public CPUInstancetype? Cpu { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<GPU>? Gpus { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<HostDevice>? HostDevices { get; init; }
    public DiskIOThreads? IoThreads { get; init; }
    public string? IoThreadsPolicy { get; init; }
    public LaunchSecurity? LaunchSecurity { get; init; }
    [ApiRequired]
    public MemoryInstancetype? Memory { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
    public string? SchedulerName { get; init; }
}

public sealed record CPUInstancetype : ApiObject
{
    public bool? DedicatedCPUPlacement { get; init; }
    [ApiRequired]
    [ApiFormat("int32")]
    public long? Guest { get; init; }
    public bool? IsolateEmulatorThread { get; init; }
    [ApiFormat("int32")]
    public long? MaxSockets { get; init; }
    public string? Model { get; init; }
    public NUMA? Numa { get; init; }
    public Realtime? Realtime { get; init; }
}

public sealed record MemoryInstancetype : ApiObject
{
    [ApiRequired]
    public Quantity? Guest { get; init; }
    public Hugepages? Hugepages { get; init; }
    public Quantity? MaxGuest { get; init; }
    /// <summary>By how many percent the pod asks for less memory than the guest sees.</summary>
    [ApiMinimum(0)]
    [ApiMaximum(100)]
    [ApiFormat("")]
    public int? OvercommitPercent { get; init; }
}
