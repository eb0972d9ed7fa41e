using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Streams;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Streams;

namespace Troupe.NodeActors;

/// <summary>The agent of one node: keeps its link to the control plane alive and has a <see cref="DomainActor"/> for every VMI here.</summary>
public sealed class NodeActor : ReceiveActor, IWithTimers
{
    private readonly DomainActorServices _services;
    private readonly PodFolders _pods;

    public NodeActor(DomainActorServices services, PodFolders pods)
    {
        (_services, _pods) = (services, pods);
        var streams = Context.ActorOf(StreamHub.Props(pods, new HostVsock(), services.VsockTrust), "streams");
        // Until the scan is over nobody here can tell what is not here; whoever sends a command repeats it.
        Receive<Scanned>(OnScanned);
        Receive<SayHello>(_ => _services.ControlPlane.Tell(new AgentHello(_services.Node, _services.AgentId, NodeProtocol.Version)));
        Receive<AgentWelcome>(_ => { });
        Receive<OpenStream>(streams.Forward);
        Receive<OperateGuest>(Operate);
        Receive<IDomainCommand>(command => IsScanned, Route);
        Receive<IDomainCommand>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsScanned { get; set; }

    public static Props Props(DomainActorServices services, PodFolders pods) =>
        Akka.Actor.Props.Create(() => new NodeActor(services, pods));

    protected override void PreStart() => ScanAsync().PipeTo(Self);

    private void OnScanned(Scanned scanned)
    {
        IsScanned = true;
        foreach (var (vmiUid, podUid) in scanned.Launchers)
        {
            _services.Log.LogInformation("VMI {Uid}: its launcher runs in pod {Pod}", vmiUid, podUid);
            Adopt(vmiUid, podUid);
        }

        Timers.StartPeriodicTimer(nameof(SayHello), SayHello.Instance, TimeSpan.Zero, NodeProtocol.HeartbeatInterval);
    }

    /// <summary>Only a start brings up a domain actor; any other command is about something that is not here.</summary>
    private void Route(IDomainCommand command)
    {
        if (command.Node != _services.Node || !ActorPath.IsValidPathElement(command.VmiUid))
            _services.Log.LogWarning("{Command} for VMI {Uid} on node {Node} came to the wrong agent", command.GetType().Name, command.VmiUid, command.Node);
        else if (Context.Child(command.VmiUid) is { } domain && !domain.IsNobody())
            domain.Forward(command);
        else if (command is RunDomain run)
            Adopt(run.VmiUid, run.PodUid)?.Forward(command);
        else if (command is PrepareTarget prepare)
            Adopt(prepare.VmiUid, prepare.PodUid)?.Forward(command);
        else if (command is not ReportAcknowledged)
            _services.ControlPlane.Tell(new DomainNotHere(command.VmiUid, _services.Node, command.Epoch));
    }

    /// <summary>Whoever asked waits, so this is answered also when nothing is here.</summary>
    private void Operate(OperateGuest operate)
    {
        if (operate.Node == _services.Node && ActorPath.IsValidPathElement(operate.VmiUid) && Context.Child(operate.VmiUid) is { } domain && !domain.IsNobody())
            domain.Forward(operate);
        else
            ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(operate.Client).Tell(new DomainOperated(operate.VmiUid, _services.Node, LauncherError.NoDomain, "this node has no such guest", null));
    }

    private IActorRef? Adopt(string vmiUid, string podUid) => ActorPath.IsValidPathElement(vmiUid) && Context.Child(vmiUid).IsNobody()
        ? Context.ActorOf(DomainActor.Props(vmiUid, podUid, _services), vmiUid)
        : null;

    /// <summary>Guests outlive their agent: whoever answers on a launcher's socket is taken over as it is.</summary>
    private async Task<Scanned> ScanAsync()
    {
        var found = await Task.WhenAll(_pods.LauncherPods().Select(ProbeAsync)).ConfigureAwait(false);
        // A VMI may have come back to where another launcher of it has died.
        return new Scanned([.. found.OfType<(string VmiUid, string PodUid, bool Lives)>().OrderByDescending(l => l.Lives).Select(l => (l.VmiUid, l.PodUid))]);
    }

    private async Task<(string VmiUid, string PodUid, bool Lives)?> ProbeAsync(string podUid)
    {
        try
        {
            return (await LauncherProbe.VmiOfAsync(_services.Launchers, podUid, _services.AgentId).ConfigureAwait(false), podUid, true);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            _services.Log.LogInformation("pod {Pod} has no launcher to take over: {Error}", podUid, e.Message);
            // One that died in a migration while no agent was here has left word of its guest.
            return _services.Launchers.LastWord(podUid) is { } word ? (word.VmiUid, podUid, false) : null;
        }
    }

    private sealed record Scanned(IReadOnlyList<(string VmiUid, string PodUid)> Launchers) : INoSerializationVerificationNeeded;

    private sealed class SayHello
    {
        public static readonly SayHello Instance = new();
    }
}
