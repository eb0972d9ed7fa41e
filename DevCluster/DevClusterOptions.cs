using System.Net;
using Microsoft.Extensions.Logging.Abstractions;

namespace Troupe.DevCluster;

public sealed record DevClusterOptions
{
    /// <summary>Everything the cluster keeps: objects, certificates, pods. Started again on it, it goes on.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Port of the API; 0 for any free one.</summary>
    public int Port { get; init; }

    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Further names and addresses for the server's certificate.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>Simulated nodes; 0 for an API server (with scheduler) alone.</summary>
    public int Nodes { get; init; }

    public IReadOnlyList<string> ImageStores { get; init; } = [];

    /// <summary>Where the admin kubeconfig is written; in the state directory when null.</summary>
    public string? KubeconfigPath { get; init; }

    /// <summary>Events kept for each kind so that a watch can resume.</summary>
    public int HistoryLength { get; init; } = 10_000;

    /// <summary>The same in bytes of objects.</summary>
    public long HistoryBytes { get; init; } = 64L << 20;

    /// <summary>Events that wait for one slow watcher before it is cut off.</summary>
    public int WatchQueueLength { get; init; } = 10_000;

    public TimeSpan BookmarkInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long after its last heartbeat a node counts as lost.</summary>
    public TimeSpan NodeMonitorGracePeriod { get; init; } = TimeSpan.FromSeconds(50);

    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;
}
