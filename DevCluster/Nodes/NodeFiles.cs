using System.Text.Json.Serialization;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Streaming;

namespace Troupe.DevCluster.Nodes;

/// <summary>How to read and write what the nodes keep on disk (and a terminal's size, which kubectl sends).</summary>
[JsonSerializable(typeof(ClusterIdentity))]
[JsonSerializable(typeof(SandboxRecord))]
[JsonSerializable(typeof(ContainerRun))]
[JsonSerializable(typeof(ImageConfig))]
[JsonSerializable(typeof(TerminalSize))]
internal sealed partial class NodeFiles : JsonSerializerContext;
