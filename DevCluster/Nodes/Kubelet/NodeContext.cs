using Microsoft.Extensions.Logging;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What all pod workers of one node share.</summary>
internal sealed record NodeContext(
    string Node,
    IKubeApi Api,
    StateLayout Layout,
    ClusterIdentity Identity,
    PodNetwork Network,
    RuncRuntime Runtime,
    ImageStore Images,
    BundleFactory Bundles,
    EventRecorder Events,
    CrashBackOff BackOff,
    IReadOnlyDictionary<string, Quantity> Allocatable,
    TimeProvider Time,
    ILogger Log);
