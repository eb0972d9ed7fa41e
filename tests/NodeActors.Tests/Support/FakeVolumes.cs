using System.Collections.Immutable;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Volumes;

namespace Troupe.NodeActors.Tests.Support;

internal sealed class FakeVolumes : IPodVolumes
{
    private ImmutableList<string> _mounted = [];

    /// <summary>Thrown by the next mounts, in turn.</summary>
    public Queue<Exception> Failures { get; } = new();

    public IReadOnlyList<string> Now => _mounted;

    public Task MountAsync(int launcherPid, IReadOnlyList<PluggedVolume> volumes, CancellationToken ct)
    {
        if (volumes.Count > 0 && Failures.TryDequeue(out var failure))
            return Task.FromException(failure);
        _mounted = _mounted.AddRange(volumes.Select(v => v.Name).Except(_mounted));
        return Task.CompletedTask;
    }

    public void Unmount(int launcherPid, IReadOnlyList<string> names) => _mounted = _mounted.RemoveAll(names.Contains);

    public IReadOnlyList<string> Mounted(int launcherPid) => _mounted;
}
