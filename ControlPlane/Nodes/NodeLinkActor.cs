using Akka.Actor;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Nodes;

/// <summary>
/// Where one node's agent can be reached; entity id is the node's name. Holds nothing that must survive: an agent says hello every few
/// seconds, and who sends a command repeats it until it is answered.
/// </summary>
public sealed class NodeLinkActor : ReceiveActor
{
    /// <summary>An agent that missed this many heartbeats is not sent anything.</summary>
    private const int MissedHeartbeats = 4;
    private readonly string _node;
    private readonly TimeProvider _time;
    private IActorRef? _agent;
    private string? _agentId;
    private DateTimeOffset _heard;

    public NodeLinkActor(string node, TimeProvider time, ILogger log)
    {
        (_node, _time) = (node, time);
        Receive<AgentHello>(hello =>
        {
            if (_agentId != hello.AgentId)
                log.LogInformation("node {Node}: agent {Agent} at {Path}", _node, hello.AgentId, Sender.Path);
            (_agent, _agentId, _heard) = (Sender, hello.AgentId, _time.GetUtcNow());
            Sender.Tell(new AgentWelcome(_node, hello.AgentId));
        });
        Receive<INodeMessage>(message =>
        {
            if (_agent is { } agent && _time.GetUtcNow() - _heard < NodeProtocol.HeartbeatInterval * MissedHeartbeats)
                agent.Forward(message);
            else
                log.LogDebug("node {Node}: no agent to give {Message} to", _node, message.GetType().Name);
        });
    }

    public static Props Props(string node, TimeProvider time, ILogger log) => Akka.Actor.Props.Create(() => new NodeLinkActor(node, time, log));
}
