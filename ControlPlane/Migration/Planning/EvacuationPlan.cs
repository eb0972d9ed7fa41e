using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>
/// Which guests are to leave their node: those whose eviction was asked for, and all of a node that bears the drain taint. All of them
/// at once: when each may begin is the queue's business.
/// </summary>
public static class EvacuationPlan
{
    private const string GenerateName = "kubevirt-evacuation-";

    public static IEnumerable<PlannedCall> Of(MigrationWorld world)
    {
        var nodes = world.Nodes.ToDictionary(n => n.Metadata.Name!, n => IsDrained(n, world.Config.NodeDrainTaintKey));
        return from vmi in world.Vmis
               let node = vmi.Status?.NodeName ?? ""
               where nodes.TryGetValue(node, out var isDrained) && (isDrained || IsMarked(vmi, world.Now)) && MayMove(vmi, world)
               select new PlannedCall.Create(vmi, Migration(vmi, node), "");
    }

    /// <summary>A mark of another node is of the past: the guest has moved since.</summary>
    private static bool IsMarked(VirtualMachineInstance vmi, DateTimeOffset now) =>
        vmi.Status?.EvacuationNodeName is { Length: > 0 } marked && marked == vmi.Status.NodeName && !Guests.IsMigrating(vmi, now);

    private static bool MayMove(VirtualMachineInstance vmi, MigrationWorld world) =>
        !Guests.IsGoing(vmi) && Guests.MovesOnEviction(vmi, world.Config) && Guests.IsMigratable(vmi) && !world.IsOnItsWay(vmi)
        // Of an earlier move something is left.
        && vmi.Status?.ActivePods is not { Count: > 1 };

    private static bool IsDrained(Node node, string taintKey) => node.Spec?.Taints?.Any(t => t.Key == taintKey && t.Effect == "NoSchedule") is true;

    private static VirtualMachineInstanceMigration Migration(VirtualMachineInstance vmi, string node) => new()
    {
        Metadata = new ObjectMeta
        {
            GenerateName = GenerateName,
            Namespace = vmi.Metadata.Namespace,
            Annotations = new Dictionary<string, string> { [Annotations.EvacuationMigration] = node },
        },
        Spec = new VirtualMachineInstanceMigrationSpec
        {
            VmiName = vmi.Metadata.Name,
            Priority = vmi.Metadata.Annotations?.GetValueOrDefault(Annotations.EvictionSource) == Annotations.Descheduler
                ? MigrationPriorities.SystemMaintenance
                : MigrationPriorities.SystemCritical,
        },
    };
}
