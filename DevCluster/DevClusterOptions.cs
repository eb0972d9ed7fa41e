using Microsoft.Extensions.Logging.Abstractions;

namespace Troupe.DevCluster;

public sealed record DevClusterOptions
{
    /// <summary>Everything the cluster keeps: objects, certificates, pods. Started again on it, it goes on.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Loopback port of the API; 0 for any free one.</summary>
    public int Port { get; init; }

    /// <summary>Simulated nodes; 0 for an API server (with scheduler) alone.</summary>
    public int Nodes { get; init; }

    public IReadOnlyList<string> ImageStores { get; init; } = [];

    /// <summary>Where the admin kubeconfig is written; in the state directory when null.</summary>
    public string? KubeconfigPath { get; init; }

    /// <summary>Events kept for each kind so that a watch can resume.</summary>
    public int HistoryLength { get; init; } = 10_000;

    /// <summary>Events that wait for one slow watcher before it is cut off.</summary>
    public int WatchQueueLength { get; init; } = 10_000;

    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;
}
