using Microsoft.Extensions.Logging.Abstractions;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes;

public sealed record NodeFleetOptions
{
    /// <summary>Everything the nodes keep lives below this directory; a fleet started again on it re-adopts its pods.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Number of simulated nodes, <c>node-1</c> to <c>node-N</c>; at most 254 (one /24 each).</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Directories of OCI layouts (each either a layout itself or a directory of layouts) looked up before any registry.</summary>
    public IReadOnlyList<string> ImageStores { get; init; } = [];

    /// <summary>Registries (host:port) that may be spoken to without verified TLS.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>Overrides of the nodes' capacity by resource name; what is not given is the machine's.</summary>
    public IReadOnlyDictionary<string, Quantity> Capacity { get; init; } = new Dictionary<string, Quantity>();

    /// <summary>The nodes offer /dev/kvm to pods. Null: if it is there and works.</summary>
    public bool? Kvm { get; init; }

    internal bool HasKvm => Kvm is true;

    /// <summary>Extra labels put on every node.</summary>
    public IReadOnlyDictionary<string, string> NodeLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>Given to containers as KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT when set.</summary>
    public Uri? ApiServer { get; init; }

    /// <summary>First pause of the container crash-loop and image-pull back-offs; it doubles up to 30 times itself (kubelet: 10 s, 300 s).</summary>
    public TimeSpan InitialBackOff { get; init; } = TimeSpan.FromSeconds(10);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;
}
