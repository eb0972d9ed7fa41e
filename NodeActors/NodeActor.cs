using Akka.Actor;
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
    private readonly IActorRef _controlPlane;

    public NodeActor(DomainActorServices services, PodFolders pods, IActorRef controlPlane)
    {
        (_services, _pods, _controlPlane) = (services, pods, controlPlane);
        Receive<SayHello>(_ => _controlPlane.Tell(new AgentHello(_services.Node, _services.AgentId, NodeProtocol.Version)));
        Receive<AgentWelcome>(_ => { });
        Receive<Adopt>(adopt =>
        {
            if (Context.Child(adopt.VmiUid).IsNobody())
                Context.ActorOf(DomainActor.Props(adopt.VmiUid, adopt.PodUid, _services), adopt.VmiUid);
        });
        var streams = Context.ActorOf(StreamHub.Props(pods), "streams");
        Receive<OpenStream>(open => streams.Forward(open));
        Receive<IDomainCommand>(Route);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(DomainActorServices services, PodFolders pods, IActorRef controlPlane) =>
        Akka.Actor.Props.Create(() => new NodeActor(services, pods, controlPlane));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(SayHello), SayHello.Instance, TimeSpan.Zero, NodeProtocol.HeartbeatInterval);
        AdoptAsync(Self);
    }

    /// <summary>Only a start or a question may bring up a domain actor; any other command is about something that is not here.</summary>
    private void Route(IDomainCommand command)
    {
        var domain = Context.Child(command.VmiUid);
        if (!domain.IsNobody())
            domain.Forward(command);
        else if (command is RunDomain)
            Context.ActorOf(DomainActor.Props(command.VmiUid, null, _services), command.VmiUid).Forward(command);
        else if (command is not ReportAcknowledged)
            _controlPlane.Tell(new DomainNotHere(command.VmiUid, _services.Node, command.Epoch));
    }

    /// <summary>Guests outlive their agent: whoever answers on a launcher's socket is taken over as it is.</summary>
    private void AdoptAsync(IActorRef self)
    {
        foreach (var pod in _pods.LauncherPods())
        {
            LauncherProbe.VmiOfAsync(_services.Launchers, pod, _services.AgentId).ContinueWith(probe =>
            {
                if (probe is { IsCompletedSuccessfully: true, Result: { } uid })
                    self.Tell(new Adopt(uid, pod));
                else if (probe.Exception?.InnerException is { } error)
                    _services.Log.LogInformation("pod {Pod} has no launcher to take over: {Error}", pod, error.Message);
            }, TaskScheduler.Default);
        }
    }

    private sealed record Adopt(string VmiUid, string PodUid);

    private sealed class SayHello
    {
        public static readonly SayHello Instance = new();
    }
}
