using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record SeccompConfiguration : ApiObject
{
    public VirtualMachineInstanceProfile? VirtualMachineInstanceProfile { get; init; }
}

public sealed record VirtualMachineInstanceProfile : ApiObject
{
    public CustomProfile? CustomProfile { get; init; }
}

public sealed record CustomProfile : ApiObject
{
    public string? LocalhostProfile { get; init; }
    public bool? RuntimeDefaultProfile { get; init; }
}

public sealed record ConfidentialComputeConfiguration : ApiObject
{
    [ApiNullable]
    public TDXConfiguration? Tdx { get; init; }
}

public sealed record TDXConfiguration : ApiObject
{
    public TDXAttestationConfiguration? Attestation { get; init; }
}

public sealed record TDXAttestationConfiguration : ApiObject
{
    [ApiDefault("false")]
    public bool? Enforced { get; init; }
    [ApiDefault("\"/var/run/tdx-qgs/qgs.socket\"")]
    public string? QgsSocketPath { get; init; }
}
