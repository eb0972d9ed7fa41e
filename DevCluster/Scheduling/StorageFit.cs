using Troupe.DevCluster.Controllers.Storage;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>What the scheduler knows of claims, and where they let a pod go. Pure.</summary>
internal sealed record StorageFit(
    IReadOnlyDictionary<string, PersistentVolumeClaim> Claims,
    IReadOnlyDictionary<string, PersistentVolume> Volumes,
    IReadOnlyDictionary<string, StorageClass> Classes)
{
    public static readonly StorageFit None = new(new Dictionary<string, PersistentVolumeClaim>(), new Dictionary<string, PersistentVolume>(), new Dictionary<string, StorageClass>());

    /// <summary>Why the pod can't go anywhere now, whatever the node.</summary>
    public string? Problem(Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.ClaimName(pod.Name) is not { } name) continue;
            if (!Claims.TryGetValue($"{pod.Namespace}/{name}", out var claim))
                return volume.Ephemeral is null ? $"persistentvolumeclaim \"{name}\" not found" : $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\"";
            if (claim.Metadata.IsDeleted) return $"persistentvolumeclaim \"{name}\" is being deleted";
            if (claim.Status.Phase == "Lost") return $"persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"";
            if (!IsReady(claim) && !Waits(claim)) return "pod has unbound immediate PersistentVolumeClaims";
        }
        return null;
    }

    public string? Problem(Pod pod, Node node)
    {
        foreach (var claim in ClaimsOf(pod))
        {
            if (IsReady(claim))
            {
                if (Volumes.TryGetValue(claim.Spec.VolumeName, out var bound) && !VolumeMatch.Reaches(bound, node)) return "node(s) had volume node affinity conflict";
            }
            else if (claim.Metadata.Annotations.TryGetValue(StorageNames.SelectedNode, out var selected) ? selected != node.Name
                : Choice(claim, node) is null && Classes[claim.Class].Provisioner == "kubernetes.io/no-provisioner")
            {
                return "node(s) didn't find available persistent volumes to bind";
            }
        }
        return null;
    }

    public bool HasConflict(Pod pod, IEnumerable<Pod> placed)
    {
        var exclusive = ClaimsOf(pod).Where(claim => claim.Spec.AccessModes is ["ReadWriteOncePod"]).Select(claim => claim.Name).ToHashSet();
        return exclusive.Count > 0 && placed.Any(other => other.Namespace == pod.Namespace && other.Uid != pod.Uid
            && other.Spec.Volumes.Exists(volume => volume.ClaimName(other.Name) is { } name && exclusive.Contains(name)));
    }

    /// <summary>Claims that wait for the pod to have a node.</summary>
    public IEnumerable<PersistentVolumeClaim> Unbound(Pod pod) => ClaimsOf(pod).Where(claim => !IsReady(claim));

    /// <summary>The static volume that a waiting claim gets on the node; null where one has to be made.</summary>
    public PersistentVolume? Choice(PersistentVolumeClaim claim, Node node) => VolumeMatch.Find(claim, Volumes.Values, node);

    private IEnumerable<PersistentVolumeClaim> ClaimsOf(Pod pod) =>
        pod.Spec.Volumes.Select(volume => volume.ClaimName(pod.Name)).OfType<string>().Distinct().Select(name => Claims.GetValueOrDefault($"{pod.Namespace}/{name}")).OfType<PersistentVolumeClaim>();

    private static bool IsReady(PersistentVolumeClaim claim) => claim.IsBound && claim.Status.Phase == "Bound";

    private bool Waits(PersistentVolumeClaim claim) =>
        Classes.TryGetValue(claim.Class, out var storageClass) && storageClass.WaitsForConsumer;
}
