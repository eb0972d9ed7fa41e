using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>
/// The life of one VMI, from creation to deletion, with the real VmiActor: whenever its process dies, another takes over, hears from
/// the feeds what there is, and goes on from the journal.
/// </summary>
internal sealed class VmiWorld : IAsyncDisposable
{
    private const string Node = "node-1";
    private static readonly TimeSpan AgentRepeats = TimeSpan.FromMilliseconds(100);
    private readonly Queue<CrashPoint?> _crashes;
    private readonly Func<string, Failure?> _fail;
    private readonly string _uid = Guid.NewGuid().ToString();
    private readonly EventRecorder _events;
    private IActorRef _pump = ActorRefs.Nobody;

    public VmiWorld(IEnumerable<CrashPoint?> crashes, Func<string, Failure?>? fail = null)
    {
        (_crashes, _fail) = (new Queue<CrashPoint?>(crashes), fail ?? (_ => null));
        Api = new ScriptedApi(Vmi(_uid));
        Guest = new ScriptedNode(Node, _uid);
        _events = new EventRecorder(new FusedClient(Api, new Fuse(null, () => { }), _ => null), "test", "test", TimeProvider.System, NullLogger.Instance);
        Api.Changed += () => _pump.Tell(Pump.Look);
    }

    public ScriptedApi Api { get; }

    public ScriptedNode Guest { get; }

    public IReadOnlyList<IVmiEvent> Journal => FusedJournal.Written.GetValueOrDefault(PersistenceId) ?? [];

    /// <summary>Steps of each incarnation.</summary>
    public List<IReadOnlyList<string>> Steps { get; } = [];

    public string PersistenceId => $"vmi-{_uid}";

    /// <summary>Runs in the system until the VMI is gone and its actor has retired, or has come to the phase.</summary>
    public async Task RunAsync(ActorSystem system, CancellationToken ct, string? until = null)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _pump = system.ActorOf(Props.Create(() => new Pump(this, end, until)));
        _pump.Tell(Pump.Look);
        try
        {
            await end.Task.WaitAsync(ct);
        }
        finally
        {
            await _pump.GracefulStop(TimeSpan.FromSeconds(10));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        FusedJournal.Fuses.TryRemove(PersistenceId, out _);
        FusedJournal.Written.TryRemove(PersistenceId, out _);
    }

    private static VirtualMachineInstance Vmi(string uid) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = uid, ResourceVersion = "7" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") }, Devices = new Devices() } },
    };

    private Props ActorProps(ActorSystem system, Fuse fuse)
    {
        FusedJournal.Fuses[PersistenceId] = fuse;
        var client = new FusedClient(Api, fuse, _fail);
        var nodes = new FusedNodeRegion(system, fuse, command => _pump.Tell(command));
        return VmiActor.Props(_uid, new VmiActorServices(client, _events, nodes, _pump, () => new LauncherPodOptions("image", true), TimeProvider.System, NullLogger.Instance));
    }

    /// <summary>The rest of the world, one message at a time: feeds, kubelet, node agent, the user; and the actor's parent, as a shard is.</summary>
    private sealed class Pump : ReceiveActor, IWithTimers
    {
        public const string Look = "look";
        private const string Repeat = "repeat";
        private readonly VmiWorld _world;
        private readonly HashSet<string> _podsTold = [];
        private readonly TaskCompletionSource _gone;
        private readonly string? _until;
        private IActorRef? _actor;
        private bool _isRetired;

        public Pump(VmiWorld world, TaskCompletionSource gone, string? until)
        {
            (_world, _gone, _until) = (world, gone, until);
            Receive<string>(m => m == Look, _ => OnLook());
            Receive<string>(m => m == Repeat, _ => Tell(IsThere ? null : _world.Guest.Outstanding));
            Receive<INodeMessage>(command => Tell(IsThere ? null : _world.Guest.Obey(command)));
            Receive<Died>(_ => Context.Stop(_actor!));
            Receive<Akka.Cluster.Sharding.Passivate>(_ =>
            {
                _isRetired = true;
                Context.Stop(_actor!);
            });
            Receive<Terminated>(_ => OnEnd());
        }

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart()
        {
            Start();
            Timers.StartPeriodicTimer(Repeat, Repeat, AgentRepeats);
        }

        private void Start()
        {
            var self = Self;
            var fuse = new Fuse(_world._crashes.Count > 0 ? _world._crashes.Dequeue() : null, () => self.Tell(Died.Instance));
            _world.Steps.Add(fuse.Steps);
            _actor = Context.Watch(Context.ActorOf(_world.ActorProps(Context.System, fuse)));
        }

        /// <summary>Retired, the actor is gone for good; else its successor starts and the feeds begin anew.</summary>
        private void OnEnd()
        {
            if (_isRetired && _world.Api.Vmi is null)
            {
                _gone.TrySetResult();
                return;
            }

            Start();
            _podsTold.Clear();
            OnLook();
            if (_world.Api is { Vmi: not null, Pods.Count: 0 })
                Tell(new NoPodListed(_world._uid));
        }

        /// <summary>The world stands still from there on, however long it takes until somebody looks.</summary>
        private bool IsThere => _until is not null && _world.Api.Phases.Contains(_until);

        private void OnLook()
        {
            if (IsThere)
            {
                _gone.TrySetResult();
                return;
            }

            var vmi = _world.Api.Vmi;
            Tell(vmi is null ? new VmiGone(_world._uid) : new VmiObserved(_world._uid, vmi));
            var pods = _world.Api.Pods;
            foreach (var pod in pods)
            {
                _podsTold.Add(pod.Metadata.Name!);
                Tell(new PodObserved(_world._uid, PodProjection.Of(pod)));
            }

            foreach (var gone in _podsTold.Where(name => pods.All(p => p.Metadata.Name != name)).ToList())
            {
                _podsTold.Remove(gone);
                Tell(new PodGone(_world._uid, gone, $"{gone}-uid-1"));
            }

            Act(vmi, pods);
        }

        private void Act(VirtualMachineInstance? vmi, IReadOnlyList<Pod> pods)
        {
            foreach (var pod in pods.Where(p => p.Status?.Phase == "Pending"))
                _world.Api.UpdatePod(pod.Metadata.Name!, Ready);
            if (vmi is { Status.Phase: VmiPhases.Running, Metadata.DeletionTimestamp: null })
                _world.Api.DeleteVmi(DateTimeOffset.UtcNow);
        }

        private static Pod Ready(Pod pod) => pod with
        {
            Spec = pod.Spec! with { NodeName = Node },
            Status = pod.Status! with { Phase = "Running", Conditions = [new PodCondition { Type = "ContainersReady", Status = "True" }] },
        };

        private void Tell(IVmiMessage? message)
        {
            if (message is not null)
                _actor.Tell(message);
        }

        private sealed class Died
        {
            public static readonly Died Instance = new();
        }
    }

    /// <summary>The shard region of the node links.</summary>
    private sealed class FusedNodeRegion(ActorSystem system, Fuse fuse, Action<INodeMessage> deliver) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(Address.AllSystems) / "node-region";

        public override IActorRefProvider Provider => ((ExtendedActorSystem)system).Provider;

        protected override void TellInternal(object message, IActorRef sender) =>
            fuse.Pass($"tell {message.GetType().Name}", () => deliver((INodeMessage)message));
    }
}
