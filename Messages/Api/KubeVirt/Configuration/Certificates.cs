using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record KubeVirtCertificateRotateStrategy : ApiObject
{
    public KubeVirtSelfSignConfiguration? SelfSigned { get; init; }
}

public sealed record KubeVirtSelfSignConfiguration : ApiObject
{
    public CertConfig? Ca { get; init; }
    public Duration? CaOverlapInterval { get; init; }
    public Duration? CaRotateInterval { get; init; }
    public Duration? CertRotateInterval { get; init; }
    public CertConfig? Server { get; init; }
}

public sealed record CertConfig : ApiObject
{
    public Duration? Duration { get; init; }
    public Duration? RenewBefore { get; init; }
}

public sealed record TLSConfiguration : ApiObject
{
    [ListType("set")]
    public IReadOnlyList<string>? Ciphers { get; init; }
    [ApiEnum("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")]
    public string? MinTLSVersion { get; init; }
}
