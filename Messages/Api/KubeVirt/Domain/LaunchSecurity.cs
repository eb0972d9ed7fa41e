using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record LaunchSecurity : ApiObject
{
    public SEV? Sev { get; init; }
    public SEVSNP? Snp { get; init; }
    public TDX? Tdx { get; init; }
}

public sealed record SEV : ApiObject
{
    public SEVAttestation? Attestation { get; init; }
    public string? DhCert { get; init; }
    public SEVPolicy? Policy { get; init; }
    public string? Session { get; init; }
}

public sealed record SEVSNP : ApiObject;

public sealed record TDX : ApiObject;

public sealed record SEVAttestation : ApiObject;

public sealed record SEVPolicy : ApiObject
{
    public bool? EncryptedState { get; init; }
}
