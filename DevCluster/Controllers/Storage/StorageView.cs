using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>What decisions about storage look at.</summary>
internal sealed record StorageView(
    IReadOnlyList<PersistentVolume> Volumes,
    IReadOnlyDictionary<string, StorageClass> Classes,
    Func<PersistentVolumeClaim, IEnumerable<Pod>> PodsOf,
    Func<string, string, PersistentVolumeClaim?> Claim)
{
    public PersistentVolume? Volume(string name) => Volumes.FirstOrDefault(volume => volume.Name == name);

    /// <summary>Pods that have the claim in their volumes and have not ended.</summary>
    public IEnumerable<Pod> UsersOf(PersistentVolumeClaim claim) => PodsOf(claim).Where(pod => !pod.IsFinished);
}
