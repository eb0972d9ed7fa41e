using System.Net.Sockets;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Volumes;

/// <summary>
/// Mounts what attachment pods bring straight from their mount namespace into the launcher's. The host never sees the mounts, so nothing
/// depends on how its own are shared, or on where kubelet and its volume plugins keep theirs.
/// </summary>
public sealed class PodVolumes(PodFolders pods) : IPodVolumes
{
    private const string ImageExtension = ".img";

    public async Task MountAsync(int launcherPid, IReadOnlyList<PluggedVolume> volumes, CancellationToken ct)
    {
        var mounted = Mounted(launcherPid);
        foreach (var volume in volumes.Where(v => !mounted.Contains(v.Name)))
        {
            var holder = await HolderAsync(volume, ct).ConfigureAwait(false);
            var source = LauncherPaths.AttachedVolume(volume.Name) + (volume.Kind is PluggedVolumeKind.Image ? "/disk.img" : "");
            var device = NamespaceMount.Bind(holder, source, launcherPid, TargetOf(volume), volume.Kind);
            if (volume.Kind is PluggedVolumeKind.Device)
                DeviceAccess.Allow(launcherPid, device);
        }
    }

    public void Unmount(int launcherPid, IReadOnlyList<string> names)
    {
        foreach (var path in MountPoints(launcherPid).Where(p => names.Contains(NameOf(p))))
            NamespaceMount.Remove(launcherPid, path);
    }

    public IReadOnlyList<string> Mounted(int launcherPid) => [.. MountPoints(launcherPid).Select(NameOf).Order(StringComparer.Ordinal)];

    private static string TargetOf(PluggedVolume volume) => $"{LauncherPaths.HotplugDisks}/{volume.Name}{(volume.Kind is PluggedVolumeKind.Image ? ImageExtension : "")}";

    private static string NameOf(string mountPoint) => Path.GetFileName(mountPoint) is var file && file.EndsWith(ImageExtension, StringComparison.Ordinal) ? file[..^ImageExtension.Length] : file;

    /// <summary>The process that has the volume: whoever listens on the attachment pod's socket.</summary>
    private async Task<int> HolderAsync(PluggedVolume volume, CancellationToken ct)
    {
        try
        {
            using var socket = await LongPathSocket.ConnectAsync(pods.EmptyDir(volume.AttachmentPodUid, LauncherPaths.HotplugDisksVolume), LauncherPaths.AttachmentSocketName, ct).ConfigureAwait(false);
            return LongPathSocket.PeerPid(socket) is > 0 and var pid ? pid
                : throw new UnsupportedVolumeException("the attachment pod's process is not visible to the node agent, which must run in the host's PID namespace");
        }
        catch (SocketException e)
        {
            throw new IOException($"volume {volume.Name}: nobody answers in attachment pod {volume.AttachmentPodUid}: {e.Message}", e);
        }
    }

    private static IEnumerable<string> MountPoints(int pid)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines($"/proc/{pid}/mountinfo");
        }
        catch (IOException)
        {
            // The process has ended.
            yield break;
        }

        // "36 35 98:0 /root /mount/point rw,noatime …"
        foreach (var line in lines)
        {
            if (line.Split(' ') is [_, _, _, _, var point, ..] && point.StartsWith(LauncherPaths.HotplugDisks + "/", StringComparison.Ordinal))
                yield return point;
        }
    }
}
