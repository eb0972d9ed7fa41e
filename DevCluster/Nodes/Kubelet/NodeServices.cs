using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What the pod workers of one node share.</summary>
internal sealed record NodeServices(
    string Node, IKubeApi Api, StateLayout Layout, ClusterIdentity Identity, RuncRuntime Runtime, ImageStore Images, PodNetwork Network, ClaimVolumes Claims, HandlerRunner Handlers,
    BundleFactory Bundles, EventRecorder Events, CrashBackOff BackOff, IReadOnlyDictionary<string, Quantity> Allocatable, TimeProvider Time, ILogger Log);
