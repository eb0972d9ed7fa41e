using Akka.Actor;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Networking;
using Troupe.NodeActors.Streams;
using Troupe.NodeActors.Volumes;

namespace Troupe.NodeActors.Domains;

/// <param name="ControlPlane">Takes reports and passes them on to the VMI's actor.</param>
/// <param name="AgentId">Names this agent process in reports.</param>
/// <param name="UseEmulation">This node has no KVM.</param>
public sealed record DomainActorServices(
    string Node, string AgentId, bool UseEmulation, ILauncherConnector Launchers, IPodNetworking Networking, IPodVolumes Volumes, IActorRef ControlPlane, TimeProvider Time, ILogger Log)
{
    public NodeProbes Probes { get; init; } = new();

    /// <summary>Null where there is no cluster: guests are then called without TLS only.</summary>
    public IVsockTrust? VsockTrust { get; init; }
}
