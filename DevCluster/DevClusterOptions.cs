using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.DevCluster.Security;

namespace Troupe.DevCluster;

/// <summary>How to run one DevCluster.</summary>
public sealed record DevClusterOptions
{
    /// <summary>Keys, objects and node state; made when missing. A cluster started again on it goes on where it was.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>TCP port of the API; 0 takes a free one.</summary>
    public int Port { get; init; }

    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Further names and addresses for the server's certificate.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>Simulated nodes; 0 serves the API alone, without scheduler and kubelets.</summary>
    public int Nodes { get; init; }

    /// <summary>Directories of OCI layouts from which nodes take images before they ask a registry.</summary>
    public IReadOnlyList<string> ImageStores { get; init; } = [];

    /// <summary>How many events per resource a watch can be resumed over; what is older is 410 Gone.</summary>
    public int HistoryLength { get; init; } = 8192;

    /// <summary>The same in bytes of objects per resource.</summary>
    public long HistoryBytes { get; init; } = 64 << 20;

    /// <summary>Events that may wait for one slow watcher before it is cut off.</summary>
    public int WatchQueueLength { get; init; } = 10_000;

    public TimeSpan BookmarkInterval { get; init; } = TimeSpan.FromSeconds(15);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IAuthorizer Authorizer { get; init; } = new AllowAuthenticated();

    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;
}
