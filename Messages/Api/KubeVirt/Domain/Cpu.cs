using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record CPUTopology : ApiObject
{
    [ApiFormat("int32")]
    public long? Cores { get; init; }
    [ApiFormat("int32")]
    public long? Sockets { get; init; }
    [ApiFormat("int32")]
    public long? Threads { get; init; }
}

public sealed record CPU : ApiObject
{
    [ApiFormat("int32")]
    public long? Cores { get; init; }
    public bool? DedicatedCpuPlacement { get; init; }
    public IReadOnlyList<CPUFeature>? Features { get; init; }
    public bool? IsolateEmulatorThread { get; init; }
    [ApiFormat("int32")]
    public long? MaxSockets { get; init; }
    public string? Model { get; init; }
    public NUMA? Numa { get; init; }
    public Realtime? Realtime { get; init; }
    [ApiFormat("int32")]
    public long? Sockets { get; init; }
    [ApiFormat("int32")]
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
