using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Troupe.NodeActors;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Launchers;

namespace Troupe.Stress.Simulation;

/// <summary>What the way between a node's agent and the control plane does to messages.</summary>
public sealed class LinkFaults(int seed)
{
    private readonly Random _random = new(seed);
    private bool _isCut;

    /// <summary>Nothing gets through.</summary>
    public bool IsCut
    {
        get => Volatile.Read(ref _isCut);
        set => Volatile.Write(ref _isCut, value);
    }

    /// <summary>Share of messages that are lost.</summary>
    public double Loss { get; init; }

    /// <summary>Share of messages that arrive twice.</summary>
    public double Repetition { get; init; }

    /// <summary>How often the next message arrives.</summary>
    public int Copies()
    {
        lock (_random)
        {
            var dice = _random.NextDouble();
            return IsCut || dice < Loss ? 0 : dice > 1 - Repetition ? 2 : 1;
        }
    }
}

/// <summary>
/// Stands between one agent and the control plane, and takes each for the other: the control plane answers here, and the agent, which is its
/// child, ends and starts with it. To stop it is kill -9 of the agent: nothing of it is left but its launchers.
/// </summary>
internal sealed class FaultyLink : ReceiveActor
{
    public FaultyLink(string node, SimulatedHosts hosts, PodFolders pods, IActorRef controlPlane, LinkFaults faults)
    {
        var services = new DomainActorServices(
            node, Guid.NewGuid().ToString("N"), UseEmulation: true, new SimulatedConnector(hosts), new SimulatedPodNetworking(hosts), new NoVolumes(), Self, hosts.Time, NullLogger.Instance);
        var agent = Context.ActorOf(NodeActor.Props(services, pods), "node");
        Receive<IVmiMessage>(report => Pass(controlPlane, report));
        Receive<AgentHello>(hello => Pass(controlPlane, hello));
        Receive<INodeMessage>(command => Pass(agent, command));

        void Pass(IActorRef to, object message)
        {
            for (var i = faults.Copies(); i > 0; i--)
                to.Tell(message);
        }
    }

    public static Props Props(string node, SimulatedHosts hosts, PodFolders pods, IActorRef controlPlane, LinkFaults faults) =>
        Akka.Actor.Props.Create(() => new FaultyLink(node, hosts, pods, controlPlane, faults));
}
