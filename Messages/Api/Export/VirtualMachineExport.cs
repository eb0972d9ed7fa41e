using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Export;

/// <summary>Download links for a machine's volumes and definition.</summary>
public sealed record VirtualMachineExport : KubeObject
{
    [ApiRequired]
    public VirtualMachineExportSpec? Spec { get; init; }
    public VirtualMachineExportStatus? Status { get; init; }
}

public sealed record VirtualMachineExportSpec : ApiObject
{
    [ApiRequired]
    public TypedLocalObjectReference? Source { get; init; }
    public string? TokenSecretRef { get; init; }
    /// <summary>How long the links stay; default two hours.</summary>
    public Duration? TtlDuration { get; init; }
}

public sealed record VirtualMachineExportStatus : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<Condition>? Conditions { get; init; }
    public VirtualMachineExportLinks? Links { get; init; }
    public string? Phase { get; init; }
    public string? ServiceName { get; init; }
    public string? TokenSecretRef { get; init; }
    public DateTimeOffset? TtlExpirationTime { get; init; }
    public string? VirtualMachineName { get; init; }
}
