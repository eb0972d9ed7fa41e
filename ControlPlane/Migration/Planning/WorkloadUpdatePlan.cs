using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>What is to be done now about guests that run an old launcher or wait for a change that only a move brings.</summary>
/// <param name="EvictsBatch">A batch of evictions is among the calls: the next one is due after <c>batchEvictionInterval</c>.</param>
public sealed record WorkloadUpdate(IReadOnlyList<PlannedCall> Calls, bool EvictsBatch);

/// <summary>
/// KubeVirt's <c>spec.workloadUpdateStrategy</c>: whoever can move is moved, as many as the cluster may move at once; of the others a batch
/// is evicted at a time, if that is allowed.
/// </summary>
public static class WorkloadUpdatePlan
{
    private const string GenerateName = "kubevirt-workload-update-";
    private const string VolumesUpdateLabel = "kubevirt.io/volume-update-migration";
    private const int DefaultBatchSize = 10;
    private const int LongestLabel = 63;
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(60);

    /// <param name="launcherImage">Image of today's launcher.</param>
    /// <param name="lastBatch">When the last evictions were made.</param>
    /// <param name="turn">Gives each VMI a place in line; changed from time to time, so that those that fail do not keep the others waiting.</param>
    public static WorkloadUpdate Of(MigrationWorld world, string launcherImage, DateTimeOffset? lastBatch, Func<VirtualMachineInstance, int> turn)
    {
        if (world.Installation is not { } installation || !IsSettled(installation))
            return new WorkloadUpdate([], false);
        var strategy = installation.Spec?.WorkloadUpdateStrategy;
        var methods = strategy?.WorkloadUpdateMethods ?? [];
        List<VirtualMachineInstance> outdated = [], movable = [], evictable = [];
        List<PlannedCall> calls = [];
        foreach (var vmi in world.Vmis.Where(v => v.Status?.Phase == VmiPhases.Running && !Guests.IsGoing(v)))
        {
            var isOld = IsOutdated(vmi, launcherImage);
            if (!isOld && UpdatesToCallOff(vmi, world) is { Count: > 0 } superfluous)
            {
                calls.AddRange(superfluous.Select(m => new PlannedCall.CallOff(vmi, m)));
                continue;
            }

            if (!isOld && !WantsMove(vmi, world.Now))
                continue;
            outdated.Add(vmi);
            if (Guests.IsMigrating(vmi, world.Now) || world.IsOnItsWay(vmi))
                continue;
            if (methods.Contains("LiveMigrate") && Guests.IsMigratable(vmi))
                movable.Add(vmi);
            else if (methods.Contains("Evict"))
                evictable.Add(vmi);
        }

        if (installation.Status?.OutdatedVirtualMachineInstanceWorkloads != outdated.Count)
            calls.Add(new PlannedCall.CountOutdated(installation, outdated.Count));
        calls.AddRange(movable.OrderBy(turn).Take(FreeSlots(world)).Select(v => new PlannedCall.Create(v, Migration(v), " for automated workload update")));
        var batchIsDue = lastBatch is null || world.Now > lastBatch + (strategy?.BatchEvictionInterval?.Value ?? DefaultInterval);
        var batch = batchIsDue ? evictable.Take(strategy?.BatchEvictionSize ?? DefaultBatchSize).ToList() : [];
        calls.AddRange(batch.Select(v => new PlannedCall.Evict(v)));
        return new WorkloadUpdate(calls, batch.Count > 0);
    }

    /// <summary>False as long as the launcher's image is not known, which is so while a guest starts or moves.</summary>
    public static bool IsOutdated(VirtualMachineInstance vmi, string launcherImage) =>
        !Guests.IsGoing(vmi) && vmi.Status?.LauncherContainerImageVersion is { Length: > 0 } image && image != launcherImage;

    /// <summary>Nothing is moved while an operator still rolls out; where there is none, nobody says anything.</summary>
    private static bool IsSettled(KubeVirt installation) =>
        installation.Status?.Phase is null or "" or "Deployed" && installation.Status?.ObservedDeploymentID == installation.Status?.TargetDeploymentID;

    private static bool HasHotplugUnderWay(VirtualMachineInstance vmi) =>
        Guests.Has(vmi, Conditions.HotVCPUChange) || Guests.Has(vmi, Conditions.HotMemoryChange, "True") || Guests.Has(vmi, Conditions.MigrationRequired, "True");

    private static bool HasVolumesUnderWay(VirtualMachineInstance vmi) => Guests.Has(vmi, "VolumesChange", "True");

    private static bool IsCalledOff(VirtualMachineInstance vmi) => vmi.Metadata.Annotations?.ContainsKey(Annotations.WorkloadUpdateAbortion) is true;

    private static bool WantsMove(VirtualMachineInstance vmi, DateTimeOffset now) =>
        !Guests.IsMigrating(vmi, now) && !IsCalledOff(vmi) && (HasHotplugUnderWay(vmi) || HasVolumesUnderWay(vmi));

    private static List<VirtualMachineInstanceMigration> UpdatesToCallOff(VirtualMachineInstance vmi, MigrationWorld world)
    {
        if (!IsCalledOff(vmi) && (HasHotplugUnderWay(vmi) || HasVolumesUnderWay(vmi) || vmi.Status?.MigrationState?.TargetNodeDomainReadyTimestamp is not null))
            return [];
        return [.. world.Migrations.Where(m => m.Metadata.Namespace == vmi.Metadata.Namespace && m.Spec?.VmiName == vmi.Metadata.Name && m.Metadata.DeletionTimestamp is null
            && !MigrationPhases.IsFinal(m.Status?.Phase) && m.Metadata.Annotations?.ContainsKey(Annotations.WorkloadUpdateMigration) is true)];
    }

    /// <summary>More would only wait; the queue is what keeps to the limits.</summary>
    private static int FreeSlots(MigrationWorld world) =>
        (int)Math.Max(0, SlotLimits.Of(world.Installation).Limits.PerCluster - world.Migrations.Count(m => MigrationPhases.HasBegun(m.Status?.Phase) && !MigrationPhases.IsFinal(m.Status?.Phase)));

    private static VirtualMachineInstanceMigration Migration(VirtualMachineInstance vmi) => new()
    {
        Metadata = new ObjectMeta
        {
            GenerateName = GenerateName,
            Namespace = vmi.Metadata.Namespace,
            Annotations = new Dictionary<string, string> { [Annotations.WorkloadUpdateMigration] = "" },
            Labels = HasVolumesUnderWay(vmi)
                ? new Dictionary<string, string> { [VolumesUpdateLabel] = vmi.Metadata.Name!.Length > LongestLabel ? vmi.Metadata.Uid! : vmi.Metadata.Name }
                : null,
        },
        Spec = new VirtualMachineInstanceMigrationSpec
        {
            VmiName = vmi.Metadata.Name,
            Priority = HasHotplugUnderWay(vmi) || HasVolumesUnderWay(vmi) ? MigrationPriorities.UserTriggered : MigrationPriorities.SystemCritical,
        },
    };
}
