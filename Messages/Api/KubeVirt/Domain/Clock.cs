using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Clock : ApiObject
{
    public Timer? Timer { get; init; }
    public string? Timezone { get; init; }
    public ClockOffsetUTC? Utc { get; init; }
}

public sealed record ClockOffsetUTC : ApiObject
{
    [ApiFormat("")]
    public int? OffsetSeconds { get; init; }
}

public sealed record Timer : ApiObject
{
    public HPETTimer? Hpet { get; init; }
    public HypervTimer? Hyperv { get; init; }
    public KVMTimer? Kvm { get; init; }
    public PITTimer? Pit { get; init; }
    public RTCTimer? Rtc { get; init; }
}

public sealed record HPETTimer : ApiObject
{
    public bool? Present { get; init; }
    public string? TickPolicy { get; init; }
}

public sealed record HypervTimer : ApiObject
{
    public bool? Present { get; init; }
}

public sealed record KVMTimer : ApiObject
{
    public bool? Present { get; init; }
}

public sealed record PITTimer : ApiObject
{
    public bool? Present { get; init; }
    public string? TickPolicy { get; init; }
}

public sealed record RTCTimer : ApiObject
{
    public bool? Present { get; init; }
    public string? TickPolicy { get; init; }
    public string? Track { get; init; }
}

public sealed record SyNICTimer : ApiObject
{
    public FeatureState? Direct { get; init; }
    public bool? Enabled { get; init; }
}
