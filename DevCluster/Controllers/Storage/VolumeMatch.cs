using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>Which existing volume a claim gets. Pure.</summary>
internal static class VolumeMatch
{
    /// <summary>The volume that is kept for the claim, otherwise the smallest free one that satisfies it.</summary>
    public static PersistentVolume? Find(PersistentVolumeClaim claim, IEnumerable<PersistentVolume> volumes, Node? node = null)
    {
        var fitting = volumes.Where(volume => Satisfies(volume, claim) && (node is null || Reaches(volume, node))).ToList();
        return fitting.Find(volume => volume.IsFor(claim))
            ?? fitting.Where(volume => volume.Spec.ClaimRef is null).OrderBy(volume => volume.Capacity).ThenBy(volume => volume.Name, StringComparer.Ordinal).FirstOrDefault();
    }

    public static bool Satisfies(PersistentVolume volume, PersistentVolumeClaim claim) =>
        !volume.Metadata.IsDeleted
        && (volume.Spec.ClaimRef is null || volume.IsFor(claim))
        && Problem(volume, claim) is null
        && (claim.Spec.Selector?.Matches(volume.Metadata.Labels) ?? true);

    /// <summary>Why a volume that a claim names can't be the claim's.</summary>
    public static string? Problem(PersistentVolume volume, PersistentVolumeClaim claim) =>
        volume.Capacity < claim.Requested ? "requested PV is too small"
        : volume.Spec.StorageClassName != claim.Class ? "storageClassName does not match"
        : volume.Spec.VolumeMode != claim.Spec.VolumeMode ? "incompatible volumeMode"
        : !claim.Spec.AccessModes.TrueForAll(volume.Spec.AccessModes.Contains) ? "incompatible accessMode"
        : null;

    public static bool Reaches(PersistentVolume volume, Node node) => volume.Spec.NodeAffinity?.Required?.Matches(node) ?? true;
}
