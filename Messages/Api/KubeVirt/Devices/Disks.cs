using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record DiskIOThreads : ApiObject
{
    [ApiFormat("int32")]
    public long? SupplementalPoolThreadCount { get; init; }
}

public sealed record HostDisk : ApiObject
{
    public Quantity? Capacity { get; init; }
    [ApiRequired]
    public string? Path { get; init; }
    public bool? Shared { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}

public sealed record Disk : ApiObject
{
    public BlockSize? BlockSize { get; init; }
    [ApiFormat("")]
    [JsonConverter(typeof(UnsignedIntConverter))]
    public int? BootOrder { get; init; }
    public string? Cache { get; init; }
    public CDRomTarget? Cdrom { get; init; }
    public bool? ChangedBlockTracking { get; init; }
    public bool? DedicatedIOThread { get; init; }
    [JsonPropertyName("disk")]
    public DiskTarget? DiskValue { get; init; }
    public string? ErrorPolicy { get; init; }
    public string? Io { get; init; }
    public LunTarget? Lun { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public string? Serial { get; init; }
    public bool? Shareable { get; init; }
    public string? Tag { get; init; }
}

public sealed record BlockSize : ApiObject
{
    public CustomBlockSize? Custom { get; init; }
    public FeatureState? MatchVolume { get; init; }
}

public sealed record CDRomTarget : ApiObject
{
    public string? Bus { get; init; }
    public bool? Readonly { get; init; }
    public string? Tray { get; init; }
}

public sealed record DiskTarget : ApiObject
{
    public string? Bus { get; init; }
    public string? PciAddress { get; init; }
    public bool? Readonly { get; init; }
}

public sealed record LunTarget : ApiObject
{
    public string? Bus { get; init; }
    public bool? Readonly { get; init; }
    public bool? Reservation { get; init; }
}

public sealed record CustomBlockSize : ApiObject
{
    [ApiFormat("")]
    [JsonConverter(typeof(UnsignedIntConverter))]
    public int? DiscardGranularity { get; init; }
    [ApiFormat("")]
    [JsonConverter(typeof(UnsignedIntConverter))]
    public int? Logical { get; init; }
    [ApiFormat("")]
    [JsonConverter(typeof(UnsignedIntConverter))]
    public int? Physical { get; init; }
}
