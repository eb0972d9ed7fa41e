using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record CPUTopology : ApiObject
{
    public long? Cores { get; init; }
    public long? Sockets { get; init; }
    public long? Threads { get; init; }
}

public sealed record CPU : ApiObject
{
    public long? Cores { get; init; }
    public bool? DedicatedCpuPlacement { get; init; }
    public IReadOnlyList<CPUFeature>? Features { get; init; }
    public bool? IsolateEmulatorThread { get; init; }
    public long? MaxSockets { get; init; }
    public string? Model { get; init; }
    public NUMA? Numa { get; init; }
    public Realtime? Realtime { get; init; }
    public long? Sockets { get; init; }
    public long? Threads { get; init; }
}

public sealed record NUMA : ApiObject
{
    public NUMAGuestMappingPassthrough? GuestMappingPassthrough { get; init; }
}

public sealed record Realtime : ApiObject
{
    public string? Mask { get; init; }
}

public sealed record NUMAGuestMappingPassthrough : ApiObject;
