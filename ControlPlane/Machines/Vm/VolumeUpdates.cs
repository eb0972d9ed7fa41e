using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What the exchange of claims in a template means for the running instance.</summary>
/// <param name="Volumes">Volumes that the instance's spec is to take over from the template.</param>
/// <param name="Migrated">What the instance's status is to say of them; null when it says so already.</param>
public sealed record VolumeUpdate(IReadOnlyList<Volume> Volumes, IReadOnlyList<StorageMigratedVolumeInfo>? Migrated = null, string? RestartRequired = null, SyncFailure? Failure = null)
{
    public static VolumeUpdate None { get; } = new([]);
}

/// <summary>
/// Other claims under the volumes of a running guest (`spec.updateVolumesStrategy`): by Migration the instance is told, and the guest moves
/// with what they hold; by Replacement they wait for a restart. Putting the old claims back calls the move off.
/// </summary>
public static class VolumeUpdates
{
    private const string Migration = "Migration";
    private const string FailureReason = "VolumesUpdateError";

    public static VolumeUpdate Decide(VirtualMachine machine, VirtualMachineInstance instance)
    {
        var template = machine.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec();
        var changed = (template.Volumes ?? []).Where(v => Exchanged(v, instance.Spec)).ToList();
        if (changed.Count == 0)
            return VolumeUpdate.None;
        var underWay = IsMigrating(instance) ? instance.Status!.MigratedVolumes! : [];
        if (underWay.Any(m => changed.Any(c => c.Name == m.VolumeName)))
        {
            return IsTakenBack(underWay, template) && changed.All(c => underWay.Any(m => m.VolumeName == c.Name))
                ? new VolumeUpdate(changed)
                : new VolumeUpdate([], Failure: new SyncFailure(FailureReason, "The volume can only be reverted to the previous version during the update"));
        }

        if (machine.Spec?.UpdateVolumesStrategy is not Migration)
            return new VolumeUpdate([], RestartRequired: "the volumes replacement is effective only after restart");
        if (Invalid(changed, instance) is { } invalid)
            return new VolumeUpdate([], RestartRequired: invalid);
        // Which claims a guest has, its status must say before they are exchanged.
        if (instance.Status?.Phase is not VmiPhases.Running || changed.Any(c => InfoOf(instance, c.Name) is null))
            return VolumeUpdate.None;
        if (Unmovable(changed, instance) is { } unmovable)
            return new VolumeUpdate([], RestartRequired: unmovable);
        return new VolumeUpdate(changed, [.. underWay, .. changed.Select(c => new StorageMigratedVolumeInfo
        {
            VolumeName = c.Name,
            SourcePVCInfo = InfoOf(instance, c.Name),
            DestinationPVCInfo = new PersistentVolumeClaimInfo { ClaimName = VolumeSources.ClaimOf(c) },
        })]);
    }

    /// <summary>A template's spec with the claims that the instance has under the same volumes: what is left are the other differences.</summary>
    public static VirtualMachineInstanceSpec WithClaimsOf(VirtualMachineInstanceSpec instance, VirtualMachineInstanceSpec template) => template.Volumes is null ? template : template with
    {
        Volumes = [.. template.Volumes.Select(v => Exchanged(v, instance) ? instance.Volumes!.First(i => i.Name == v.Name) : v)],
    };

    public static bool Differ(VirtualMachine machine, VirtualMachineInstance instance) => (machine.Spec?.Template?.Spec?.Volumes ?? []).Any(v => Exchanged(v, instance.Spec));

    public static VirtualMachineInstanceSpec Apply(VolumeUpdate update, VirtualMachineInstanceSpec instance) => update.Volumes.Count == 0 ? instance : instance with
    {
        Volumes = [.. (instance.Volumes ?? []).Select(v => update.Volumes.FirstOrDefault(u => u.Name == v.Name) ?? v)],
    };

    /// <summary>`status.volumeUpdateState`: the move that is under way, and one that its guest did not outlive, until the template has its old claims back.</summary>
    public static VolumeUpdateState? State(VirtualMachine machine, VirtualMachineInstance? instance)
    {
        // An instance, also one that has ended, tells whether all has arrived; where there is none any more, nobody does.
        var volumes = instance is null ? machine.Status?.VolumeUpdateState?.VolumeMigrationState?.MigratedVolumes : IsMigrating(instance) ? instance.Status!.MigratedVolumes : null;
        return volumes is { Count: > 0 } && !IsTakenBack(volumes, machine.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec())
            ? new VolumeUpdateState { VolumeMigrationState = new VolumeMigrationState { MigratedVolumes = volumes } }
            : null;
    }

    /// <summary>The machine's status says all that an instance tells of its volumes, so that it may go.</summary>
    public static bool IsRemembered(VirtualMachine machine, VirtualMachineInstance instance) => State(machine, instance) is null || machine.Status?.VolumeUpdateState is not null;

    /// <summary>Why the machine must not be started: which of the claims holds the guest's data, only its owner can tell.</summary>
    public static string? ManualRecovery(VirtualMachine machine, VirtualMachineInstance? instance) =>
        HasEnded(instance) && State(machine, instance) is not null ? "VMI was removed or was final during the volume migration" : null;

    private static bool HasEnded(VirtualMachineInstance? instance) => instance is null || instance.Status?.Phase is VmiPhases.Succeeded or VmiPhases.Failed;

    private static bool IsMigrating(VirtualMachineInstance? instance) => instance?.Status is { MigratedVolumes.Count: > 0 } status
        && status.Conditions?.FirstOrDefault(c => c.Type == StorageMigration.Condition) is not { Status: "False" };

    private static bool Exchanged(Volume volume, VirtualMachineInstanceSpec? instance) => volume is { PersistentVolumeClaim: not null } or { DataVolume: not null }
        && instance?.Volumes?.FirstOrDefault(v => v.Name == volume.Name) is { } present && present is { PersistentVolumeClaim: not null } or { DataVolume: not null }
        && VolumeSources.ClaimOf(present) != VolumeSources.ClaimOf(volume);

    private static bool IsTakenBack(IEnumerable<StorageMigratedVolumeInfo> migrated, VirtualMachineInstanceSpec template) => migrated.All(m =>
        m.SourcePVCInfo?.ClaimName is { } source && template.Volumes?.FirstOrDefault(v => v.Name == m.VolumeName) is { } volume && VolumeSources.ClaimOf(volume) == source);

    private static PersistentVolumeClaimInfo? InfoOf(VirtualMachineInstance instance, string? volume) =>
        instance.Status?.VolumeStatus?.FirstOrDefault(s => s.Name == volume)?.PersistentVolumeClaimInfo;

    private static string? Invalid(List<Volume> changed, VirtualMachineInstance instance)
    {
        var devices = instance.Spec?.Domain?.Devices;
        var shared = changed.Where(c => devices?.Filesystems?.Any(f => f.Name == c.Name) is true).Select(c => c.Name).ToList();
        var disks = changed.Where(c => !shared.Contains(c.Name)).Select(c => devices?.Disks?.FirstOrDefault(d => d.Name == c.Name)).OfType<Disk>().ToList();
        var shareable = disks.Where(d => d.Shareable is true).Select(d => d.Name).ToList();
        var luns = disks.Where(d => d.Lun is not null && d.Shareable is not true).Select(d => d.Name).ToList();
        return shared.Count + shareable.Count + luns.Count == 0 ? null
            : $"invalid volumes to update with migration:{Part("filesystems", shared)}{Part("shareable", shareable)}{Part("luns", luns)}";

        static string Part(string what, List<string?> names) => names.Count == 0 ? "" : $" {what}: [{string.Join(' ', names)}]";
    }

    private static string? Unmovable(List<Volume> changed, VirtualMachineInstance instance)
    {
        if (instance.Status?.Conditions?.FirstOrDefault(c => c is { Type: LiveMigratable.StorageCondition, Status: "False" }) is { } condition)
            return $"cannot migrate the volumes as the VMI isn't migratable: {condition.Message}";
        return (instance.Status?.VolumeStatus ?? []).FirstOrDefault(s => s.PersistentVolumeClaimInfo?.AccessModes?.Contains("ReadWriteOnce") is true && changed.All(c => c.Name != s.Name)) is { } alone
            ? $"cannot migrate the VM. The volume {alone.Name} is RWO and not included in the migration volumes"
            : null;
    }
}
