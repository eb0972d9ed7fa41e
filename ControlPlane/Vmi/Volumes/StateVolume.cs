using Troupe.ControlPlane.Machines;
using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>
/// The claim in which a guest's TPM and UEFI variables outlive it. It belongs to the machine, or to an instance without one. Where only one node may
/// have it, each migration makes another one, so it is known by its label.
/// </summary>
public static class StateVolume
{
    public const string Name = "vm-state";

    /// <summary>In `status.volumeStatus`.</summary>
    public const string StatusName = $"{OwnerLabel}-this-vm";

    /// <summary>Its value is the name of the machine.</summary>
    public const string OwnerLabel = "persistent-state-for";

    /// <summary>In place of it, as long as the guest has not come to the claim; its value is the name of the migration.</summary>
    public const string MigrationLabel = "kubevirt.io/migrationName";
    private const string Size = "10Mi";

    public static bool IsNeeded(VirtualMachineInstance vmi) =>
        vmi.Spec?.Domain?.Devices?.Tpm is { Enabled: not false, Persistent: true } || vmi.Spec?.Domain?.Firmware?.Bootloader?.Efi?.Persistent is true;

    /// <summary>Of the first one.</summary>
    public static string ClaimName(VirtualMachineInstance vmi) => $"{OwnerLabel}-{vmi.Metadata.Name}";

    public static string Selector(VirtualMachineInstance vmi) => $"{OwnerLabel}={vmi.Metadata.Name}";

    /// <summary>Once KubeVirt named it like the claim.</summary>
    public static bool IsItsStatus(VolumeStatus status) => status.Name?.StartsWith(OwnerLabel, StringComparison.Ordinal) is true;

    /// <summary>As the status names it.</summary>
    public static string? Shown(VirtualMachineInstance vmi) => vmi.Status?.VolumeStatus?.FirstOrDefault(IsItsStatus)?.PersistentVolumeClaimInfo?.ClaimName;

    /// <summary>The claim that the guest has, or is to have when it starts. What a migration has brought is known before the feeds tell it.</summary>
    public static string Current(VmiState state, VirtualMachineInstance vmi) => Brought(state) ?? state.Storage.StateClaim(vmi)?.Name ?? Shown(vmi) ?? ClaimName(vmi);

    /// <summary>Whether enough is known of the claim to tell if the guest needs another one elsewhere.</summary>
    public static bool IsKnown(VmiState state, VirtualMachineInstance vmi) => !IsNeeded(vmi) || Brought(state) is not null || state.Storage.Claims.ContainsKey(Current(state, vmi));

    /// <summary>For the journal: the claims of a migration that begins now.</summary>
    public static StateClaims? Moving(VmiState state, VirtualMachineInstance vmi, string suffix)
    {
        if (!IsNeeded(vmi))
            return null;
        var current = Current(state, vmi);
        return new StateClaims(current, state.Storage.Claim(current)?.AccessModes.Contains("ReadWriteMany") is true ? current : $"{ClaimName(vmi)}-{suffix}");
    }

    /// <param name="migration">For whose target it is; null for the guest's first one.</param>
    public static PersistentVolumeClaim Claim(VirtualMachineInstance vmi, string name, OngoingMigration? migration, StateStorage storage)
    {
        var machine = OwnerReferences.Controller(vmi, "VirtualMachine");
        return new PersistentVolumeClaim
        {
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = vmi.Metadata.Namespace,
                Labels = new Dictionary<string, string>
                {
                    [migration is null ? OwnerLabel : MigrationLabel] = migration is null ? vmi.Metadata.Name! : migration.Name,
                    // CDI makes it as large as its class has claims at least.
                    ["cdi.kubevirt.io/applyStorageProfile"] = "true",
                },
                OwnerReferences =
                [
                    machine is not null
                        ? machine with { BlockOwnerDeletion = null }
                        : new OwnerReference { ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachineInstance", Name = vmi.Metadata.Name, Uid = vmi.Metadata.Uid, Controller = true },
                ],
            },
            Spec = new PersistentVolumeClaimSpec
            {
                AccessModes = [storage.AccessMode],
                StorageClassName = storage.Class,
                VolumeMode = "Filesystem",
                Resources = new VolumeResourceRequirements { Requests = new Dictionary<string, Quantity> { ["storage"] = new(Size) } },
            },
        };
    }

    private static string? Brought(VmiState state) => state.Moving.Past.LastOrDefault(p => p is { Step: MigrationStep.HandedOver, Lost: null, State.AreTwo: true })?.State!.Target;
}
