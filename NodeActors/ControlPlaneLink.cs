using Akka.Actor;
using Akka.Cluster.Tools.Client;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.NodeActors;

/// <summary>The way to the control plane: agents are no cluster members, a ClusterClient finds one for them.</summary>
public sealed class ControlPlaneLink : ReceiveActor
{
    private const string VmiRegion = "/system/sharding/vmi";
    private const string NodeRegion = "/system/sharding/node";

    public ControlPlaneLink(IActorRef client)
    {
        Receive<IVmiMessage>(m => client.Forward(new ClusterClient.Send(VmiRegion, m, localAffinity: true)));
        Receive<INodeMessage>(m => client.Forward(new ClusterClient.Send(NodeRegion, m, localAffinity: true)));
    }

    public static Props Props(IActorRef client) => Akka.Actor.Props.Create(() => new ControlPlaneLink(client));
}
