using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record SEVSessionOptions : ApiObject
{
    public string? DhCert { get; init; }
    public string? Session { get; init; }
}

public sealed record SEVSecretOptions : ApiObject
{
    public string? Header { get; init; }
    public string? Secret { get; init; }
}

public sealed record SEVPlatformInfo : ApiObject
{
    public string? ApiVersion { get; init; }
    public string? CertChain { get; init; }
    public string? Kind { get; init; }
    public string? Pdh { get; init; }
}

public sealed record SEVMeasurementInfo : ApiObject
{
    public int? ApiMajor { get; init; }
    public int? ApiMinor { get; init; }
    public string? ApiVersion { get; init; }
    public int? BuildID { get; init; }
    public string? Kind { get; init; }
    public string? LoaderSHA { get; init; }
    public string? Measurement { get; init; }
    public int? Policy { get; init; }
}
