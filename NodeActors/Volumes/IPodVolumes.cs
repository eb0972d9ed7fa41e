using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Volumes;

/// <summary>The node cannot bring a volume of this kind; no retry helps.</summary>
public sealed class UnsupportedVolumeException(string message) : Exception(message);

/// <summary>Volumes that are mounted into the pod of a running guest.</summary>
public interface IPodVolumes
{
    /// <summary>Those that are mounted already stay as they are.</summary>
    /// <param name="launcherPid">A process inside of the guest's pod.</param>
    /// <exception cref="UnsupportedVolumeException"/>
    /// <exception cref="IOException">It failed; worth another try.</exception>
    Task MountAsync(int launcherPid, IReadOnlyList<PluggedVolume> volumes, CancellationToken ct);

    /// <exception cref="IOException">It failed; worth another try.</exception>
    void Unmount(int launcherPid, IReadOnlyList<string> names);

    /// <summary>Names of the volumes that the pod has; none when the process has ended.</summary>
    IReadOnlyList<string> Mounted(int launcherPid);
}
