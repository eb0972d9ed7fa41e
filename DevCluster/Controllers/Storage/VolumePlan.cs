using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>What is to be done about a persistent volume: its phase, and its end once the claim is gone. Pure.</summary>
internal static class VolumePlan
{
    public static IReadOnlyList<StorageStep> Next(PersistentVolume volume, StorageView view)
    {
        var claim = volume.Spec.ClaimRef is { } reference ? view.Claim(reference.Namespace, reference.Name) : null;
        if (volume.Metadata.IsDeleted)
        {
            var held = volume.Status.Phase == "Bound" && claim is not null && volume.IsFor(claim);
            return held || !volume.Metadata.Finalizers.Contains(StorageNames.VolumeProtection) ? [] : [new StorageStep.DropVolumeFinalizer(volume)];
        }
        if (volume.Spec.ClaimRef is not { } kept || kept.Uid.Length == 0)
            return Phase(volume, "Available");
        if (claim is not null && volume.IsFor(claim))
            return claim.Spec.VolumeName == volume.Name ? Phase(volume, "Bound") : [];
        if (volume.Status.Phase is not ("Released" or "Failed"))
            return Phase(volume, "Released");
        return volume.Spec.PersistentVolumeReclaimPolicy == "Delete" && volume.Status.Phase == "Released" ? Reclaim(volume) : [];
    }

    private static List<StorageStep> Reclaim(PersistentVolume volume)
    {
        if (volume.Spec.Csi?.Driver == StorageNames.LocalDriver)
            return [new StorageStep.DeleteVolume(volume)];
        // What an external provisioner made, it deletes itself.
        if (volume.Metadata.Annotations.GetValueOrDefault(StorageNames.ProvisionedBy) is { Length: > 0 } || volume.Spec.Csi is not null)
            return [];
        const string message = "error getting deleter volume plugin for volume: no deletable volume plugin matched";
        return [new StorageStep.WriteVolumePhase(volume, "Failed", message), new StorageStep.TellVolume(volume, "Warning", "VolumeFailedDelete", message)];
    }

    private static List<StorageStep> Phase(PersistentVolume volume, string phase) =>
        volume.Status.Phase == phase ? [] : [new StorageStep.WriteVolumePhase(volume, phase)];
}
