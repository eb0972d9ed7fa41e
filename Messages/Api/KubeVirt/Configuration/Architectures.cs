using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record ArchConfiguration : ApiObject
{
    public ArchSpecificConfiguration? Amd64 { get; init; }
    public ArchSpecificConfiguration? Arm64 { get; init; }
    public string? DefaultArchitecture { get; init; }
    public ArchSpecificConfiguration? Ppc64le { get; init; }
    public ArchSpecificConfiguration? S390x { get; init; }
}

public sealed record ArchSpecificConfiguration : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? EmulatedMachines { get; init; }
    public string? MachineType { get; init; }
    public string? OvmfPath { get; init; }
}
