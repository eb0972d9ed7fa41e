using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Volumes;

namespace Troupe.Stress.Simulation;

/// <summary>Simulated guests have no volumes that come and go.</summary>
internal sealed class NoVolumes : IPodVolumes
{
    public Task MountAsync(int launcherPid, IReadOnlyList<PluggedVolume> volumes, CancellationToken ct) => volumes.Count == 0
        ? Task.CompletedTask
        : Task.FromException(new UnsupportedVolumeException("a simulated node has no volumes"));

    public void Unmount(int launcherPid, IReadOnlyList<string> names)
    {
        // There is nothing to unmount.
    }

    public IReadOnlyList<string> Mounted(int launcherPid) => [];
}
