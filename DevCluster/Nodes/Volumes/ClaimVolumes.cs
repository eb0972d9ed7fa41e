using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>Volumes that a pod has by a claim: finds what the claim is bound to, attaches it to the node as its access modes allow, and says where it lies.</summary>
internal sealed class ClaimVolumes(IKubeApi api, VolumeStore store, string node)
{
    /// <exception cref="MissingContentException">There is no such claim or it is not bound.</exception>
    /// <exception cref="AttachException">The volume is in use elsewhere.</exception>
    public async Task<MountedVolume> SetUpAsync(Pod pod, Volume volume, string claimName, uint? group, CancellationToken ct)
    {
        var claim = KubeJson.Read<PersistentVolumeClaim>(await FindAsync(ResourceKey.PersistentVolumeClaims, pod.Namespace, claimName, $"persistentvolumeclaim \"{claimName}\" not found", ct));
        if (claim.Spec.VolumeName.Length == 0 || claim.Status.Phase != "Bound")
            throw new MissingContentException($"PVC {claim.Key} is not bound");
        var persistent = KubeJson.Read<PersistentVolume>(await FindAsync(ResourceKey.PersistentVolumes, null, claim.Spec.VolumeName, $"persistentvolume \"{claim.Spec.VolumeName}\" not found", ct));
        if (!persistent.IsFor(claim)) throw new MissingContentException($"volume {persistent.Name} is not bound to PVC {claim.Key}");
        await AttachAsync(pod, persistent, ct);
        var readOnly = volume.PersistentVolumeClaim?.ReadOnly is true || persistent.Spec.Csi?.ReadOnly is true || persistent.Spec.AccessModes is ["ReadOnlyMany"];
        if (persistent.Spec.VolumeMode == "Block") return new MountedVolume(await DeviceAsync(persistent, ct), readOnly, IsDevice: true);
        var path = PathOf(persistent);
        if (group is { } gid && !readOnly) Own(path, gid);
        return new MountedVolume(path, readOnly);
    }

    /// <summary>The pod is gone from this node, with everything that it mounted.</summary>
    public async Task ReleaseAsync(string podUid, CancellationToken ct)
    {
        foreach (var volume in store.Attachments.Release(podUid)) await store.Loops.DetachAsync(store.DiskOf(volume), ct);
    }

    private async Task AttachAsync(Pod pod, PersistentVolume volume, CancellationToken ct)
    {
        var modes = volume.Spec.AccessModes;
        // Two volume objects may lead to one backing store of ours; it is what can't be shared.
        var key = volume.Spec.Csi is { Driver: StorageNames.LocalDriver } csi ? csi.VolumeHandle : volume.Name;
        var user = new Attachment(node, pod.Uid);
        bool MayShare(Attachment other) => modes is not ["ReadWriteOncePod"] && (other.Node == node || modes.Contains("ReadWriteMany") || modes.Contains("ReadOnlyMany"));
        var others = store.Attachments.Attach(key, user, MayShare);
        foreach (var lost in others.Where(other => other.Node != node).ToList())
        {
            // Nobody on that node can say that it let go: the operator's taint says so instead.
            if (!await IsOutOfServiceAsync(lost.Node, ct) || await ExistsAsync(lost.PodUid, ct)) continue;
            store.Attachments.Remove(key, lost);
            others = store.Attachments.Attach(key, user, MayShare);
        }
        if (others.Count == 0) return;
        var names = await NamesAsync(pod.Namespace, others, ct);
        throw new AttachException(modes is ["ReadWriteOncePod"] && others.All(other => other.Node == node)
            ? $"volume \"{volume.Name}\" uses the ReadWriteOncePod access mode and is already in use by another pod"
            : $"Multi-Attach error for volume \"{volume.Name}\" Volume is already {(names.Count > 0 ? $"used by pod(s) {string.Join(", ", names)}" : "exclusively attached to one node and can't be attached to another")}");
    }

    private async Task<List<string>> NamesAsync(string ns, IReadOnlyList<Attachment> users, CancellationToken ct)
    {
        var uids = users.Select(user => user.PodUid).ToHashSet();
        return [.. (await api.ListAsync(ResourceKey.Pods, ns, ct: ct)).Items.Select(item => KubeJson.Read<Pod>(item)).Where(pod => uids.Contains(pod.Uid)).Select(pod => pod.Name)];
    }

    private async Task<bool> ExistsAsync(string podUid, CancellationToken ct) =>
        (await api.ListAsync(ResourceKey.Pods, ct: ct)).Items.Any(item => item["metadata"]?["uid"]?.GetValue<string>() == podUid);

    private async Task<bool> IsOutOfServiceAsync(string name, CancellationToken ct)
    {
        try
        {
            return KubeJson.Read<Node>(await api.GetAsync(ResourceKey.Nodes, null, name, ct)).Spec.Taints.Exists(taint => taint.Key == Taint.OutOfService);
        }
        catch (ApiException gone) when (gone.Code == 404)
        {
            return true;
        }
    }

    private string PathOf(PersistentVolume volume)
    {
        switch (volume.Spec)
        {
            case { Csi: { Driver: StorageNames.LocalDriver } csi }:
                return Directory.Exists(store.DirectoryOf(csi.VolumeHandle)) ? store.DirectoryOf(csi.VolumeHandle) : throw new MissingContentException($"volume handle {csi.VolumeHandle} does not exist");
            case { Csi: { } csi }:
                throw new MissingContentException($"driver name {csi.Driver} not found in the list of registered CSI drivers");
            case { HostPath: { } host }:
                if (host.Type.Length == 0) Directory.CreateDirectory(host.Path);
                return PodVolumes.HostPath(host);
            case { Local: { } local }:
                return Path.Exists(local.Path) ? local.Path : throw new MissingContentException($"path \"{local.Path}\" does not exist");
            default:
                throw new MissingContentException("no volume plugin matched: this kubelet knows persistent volumes of csi (its own driver), hostPath and local");
        }
    }

    private async Task<string> DeviceAsync(PersistentVolume volume, CancellationToken ct)
    {
        if (volume.Spec.Csi is { Driver: StorageNames.LocalDriver } csi)
        {
            return File.Exists(store.DiskOf(csi.VolumeHandle))
                ? await store.Loops.AttachAsync(store.DiskOf(csi.VolumeHandle), ct)
                : throw new MissingContentException($"volume handle {csi.VolumeHandle} does not exist");
        }
        var path = PathOf(volume);
        return Native.Stat(path) is { IsBlockDevice: true } ? path : throw new MissingContentException($"{path} is not a block device");
    }

    /// <summary>fsGroup: all that is in the volume belongs to the group. Done when the volume's root does not, as OnRootMismatch.</summary>
    private static void Own(string path, uint group)
    {
        if (Native.Stat(path) is { } root && root.Gid == group) return;
        foreach (var entry in Directory.EnumerateFileSystemEntries(path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))
            Give(entry, group);
        Give(path, group);
    }

    private static void Give(string path, uint group)
    {
        if (Native.Stat(path) is not { } status) return;
        Native.Chown(path, status.Uid, group);
        var bits = status.IsDirectory ? 0b10_111_111_000 : 0b110_110_000;
        File.SetUnixFileMode(path, (UnixFileMode)((status.Mode & 0xFFF) | bits));
    }

    private async Task<JsonObject> FindAsync(ResourceKey resource, string? ns, string name, string otherwise, CancellationToken ct)
    {
        try
        {
            return await api.GetAsync(resource, ns, name, ct);
        }
        catch (ApiException missing) when (missing.Code == 404)
        {
            throw new MissingContentException(otherwise);
        }
    }
}
