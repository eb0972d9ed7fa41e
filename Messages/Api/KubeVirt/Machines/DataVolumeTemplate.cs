using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>A DataVolume as part of a machine's spec.</summary>
[ApiNullable]
public sealed record DataVolumeTemplateSpec : ApiObject
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    [ApiNullable]
    public ObjectMeta? Metadata { get; init; }
    [ApiRequired]
    public DataVolumeSpec? Spec { get; init; }
    [ApiNullable]
    public DataVolumeTemplateDummyStatus? Status { get; init; }
}

public sealed record DataVolumeTemplateDummyStatus : ApiObject;
