using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>What the planners look at: all that the feeds have told, as of now.</summary>
/// <param name="Installation">The KubeVirt object; null where nobody has made one.</param>
public sealed record MigrationWorld(
    IReadOnlyCollection<VirtualMachineInstance> Vmis, IReadOnlyCollection<VirtualMachineInstanceMigration> Migrations, IReadOnlyCollection<Node> Nodes, KubeVirt? Installation, DateTimeOffset Now)
{
    public ClusterConfig Config { get; } = ClusterConfigReader.Read(Installation);

    /// <summary>VMIs that have a migration which is not over.</summary>
    public IReadOnlySet<(string? Namespace, string? Name)> OnTheirWay { get; } =
        Migrations.Where(m => !MigrationPhases.IsFinal(m.Status?.Phase)).Select(m => (m.Metadata.Namespace, m.Spec?.VmiName)).ToHashSet();

    public bool IsOnItsWay(VirtualMachineInstance vmi) => OnTheirWay.Contains((vmi.Metadata.Namespace, vmi.Metadata.Name));
}

/// <summary>An API call that a planner wants; planned again until the feeds show that it was made.</summary>
/// <param name="Key">One call of a key at a time.</param>
public abstract record PlannedCall(string Key)
{
    /// <param name="Purpose">Ends the sentence of the event: empty, or ` for …`.</param>
    public sealed record Create(VirtualMachineInstance Vmi, VirtualMachineInstanceMigration Migration, string Purpose) : PlannedCall($"create {Vmi.Metadata.Uid}");

    /// <summary>Removes a migration that is over and of no more interest, or that has no VMI.</summary>
    /// <param name="OnlyIfOrphaned">Its VMI is not there as far as the feeds have told; they may be late.</param>
    public sealed record Remove(VirtualMachineInstanceMigration Migration, bool OnlyIfOrphaned) : PlannedCall($"delete {Migration.Metadata.Uid}");

    /// <summary>Calls off the migration of a change that was taken back.</summary>
    public sealed record CallOff(VirtualMachineInstance Vmi, VirtualMachineInstanceMigration Migration) : PlannedCall($"delete {Migration.Metadata.Uid}");

    /// <summary>Evicts the pod that the guest runs in.</summary>
    public sealed record Evict(VirtualMachineInstance Vmi) : PlannedCall($"evict {Vmi.Metadata.Uid}");

    /// <summary>No new guests for a node whose agent is silent.</summary>
    public sealed record MarkUnresponsive(Node Node) : PlannedCall($"unresponsive {Node.Metadata.Uid}");

    /// <summary>`status.outdatedVirtualMachineInstanceWorkloads` of the KubeVirt object.</summary>
    public sealed record CountOutdated(KubeVirt Installation, int Count) : PlannedCall($"count {Count}");
}
