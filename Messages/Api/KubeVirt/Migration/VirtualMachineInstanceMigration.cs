using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>The wish to move a running instance to another node, and the story of that move.</summary>
public sealed record VirtualMachineInstanceMigration : KubeObject
{
    [ApiRequired]
    public VirtualMachineInstanceMigrationSpec? Spec { get; init; }
    public VirtualMachineInstanceMigrationStatus? Status { get; init; }
}

public sealed record VirtualMachineInstanceMigrationSpec : ApiObject
{
    /// <summary>Node labels the target must have beside those the instance asks for; it can narrow the choice only.</summary>
    public IReadOnlyDictionary<string, string>? AddedNodeSelector { get; init; }
    /// <summary>system-critical, user-triggered or system-maintenance; higher ones get a slot first.</summary>
    public string? Priority { get; init; }
    public VirtualMachineInstanceMigrationTarget? Receive { get; init; }
    public VirtualMachineInstanceMigrationSource? SendTo { get; init; }
    /// <summary>The instance to move, in the same namespace.</summary>
    public string? VmiName { get; init; }
}

public sealed record VirtualMachineInstanceMigrationSource : ApiObject
{
    [ApiRequired]
    public string? ConnectURL { get; init; }
    [ApiRequired]
    public string? MigrationID { get; init; }
}

public sealed record VirtualMachineInstanceMigrationTarget : ApiObject
{
    [ApiRequired]
    public string? MigrationID { get; init; }
}

public sealed record VirtualMachineInstanceMigrationStatus : ApiObject
{
    public IReadOnlyList<Condition>? Conditions { get; init; }
    public VirtualMachineInstanceMigrationState? MigrationState { get; init; }
    public string? Phase { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<VirtualMachineInstanceMigrationPhaseTransitionTimestamp>? PhaseTransitionTimestamps { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? SynchronizationAddresses { get; init; }
}

public sealed record VirtualMachineInstanceMigrationPhaseTransitionTimestamp : ApiObject
{
    public string? Phase { get; init; }
    public DateTimeOffset? PhaseTransitionTimestamp { get; init; }
}
