using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Volumes;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>Binds claims and volumes, and is the default provisioner: the shell around <see cref="ClaimPlan"/> and <see cref="VolumePlan"/>.</summary>
internal sealed class StorageController(ObjectStore store, IKubeApi api, VolumeStore volumes, TimeProvider time, ILogger log) : KeyedController(store, time, log)
{
    private const string Claims = "/persistentvolumeclaims", Volumes = "/persistentvolumes", Classes = "storage.k8s.io/storageclasses", Pods = "/pods";

    private readonly StorageWrites _writes = new(api, volumes, new EventRecorder(api, "persistentvolume-controller", "", time, log), time);

    protected override bool Interested(StoreEvent e) => e.Object.Table is Claims or Volumes or Classes or Pods;

    protected override IEnumerable<string> KeysOf(StoreEvent e) => e.Object.Table switch
    {
        Claims => [ClaimKey(e.Object.Namespace, e.Object.Name), VolumeKey(e.Object.As<PersistentVolumeClaim>().Spec.VolumeName), .. e.Type == StoreEventType.Deleted ? VolumesOf(e.Object) : []],
        Volumes => [VolumeKey(e.Object.Name), .. Waiting(), .. Bound(e.Object.As<PersistentVolume>())],
        Classes => Waiting(),
        _ => e.Object.As<Pod>() is var pod ? pod.Spec.Volumes.Select(volume => volume.ClaimName(pod.Name)).OfType<string>().Select(name => ClaimKey(pod.Namespace, name)) : [],
    };

    protected override IEnumerable<string> AllKeys() =>
        Store.State.Table(Claims).All().Select(claim => ClaimKey(claim.Namespace, claim.Name)).Concat(Store.State.Table(Volumes).All().Select(volume => VolumeKey(volume.Name)));

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        var view = View(Store.State);
        var steps = key.Split('/') switch
        {
            ["claim", var ns, var name] when view.Claim(ns, name) is { } claim => ClaimPlan.Next(claim, view),
            ["volume", var name] when view.Volume(name) is { } volume => VolumePlan.Next(volume, view),
            _ => [],
        };
        foreach (var step in steps) await _writes.DoAsync(step, ct);
        return null;
    }

    private static StorageView View(StoreState state) => new(
        [.. state.All<PersistentVolume>(Volumes)],
        state.All<StorageClass>(Classes).ToDictionary(storageClass => storageClass.Metadata.Name),
        claim => state.All<Pod>(Pods, claim.Namespace).Where(pod => pod.Spec.Volumes.Exists(volume => volume.ClaimName(pod.Name) == claim.Name)),
        (ns, name) => state.Find<PersistentVolumeClaim>(Claims, ns, name));

    private static string ClaimKey(string ns, string name) => $"claim/{ns}/{name}";

    private static string VolumeKey(string name) => $"volume/{name}";

    private IEnumerable<string> Waiting() =>
        Store.State.All<PersistentVolumeClaim>(Claims).Where(claim => !claim.IsBound).Select(claim => ClaimKey(claim.Namespace, claim.Name));

    private static IEnumerable<string> Bound(PersistentVolume volume) => volume.Spec.ClaimRef is { } claim ? [ClaimKey(claim.Namespace, claim.Name)] : [];

    /// <summary>Also volumes that were kept for a claim which never got to name them.</summary>
    private IEnumerable<string> VolumesOf(StoredObject claim) =>
        Store.State.All<PersistentVolume>(Volumes).Where(volume => volume.Spec.ClaimRef?.Uid == claim.Uid).Select(volume => VolumeKey(volume.Name));
}
