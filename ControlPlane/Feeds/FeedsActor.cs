using Akka.Actor;
using Akka.Cluster;
using Akka.Streams;
using Akka.Streams.Dsl;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Feeds;

/// <summary>
/// The cluster singleton that watches VMIs and launcher pods and routes each to its VmiActor. It keeps the latest of each so that it
/// can tell them all again: a shard that moved is empty until somebody speaks to its entities.
/// </summary>
public sealed class FeedsActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ResyncInterval = TimeSpan.FromSeconds(60);

    /// <summary>After a member left: sharding has given its shards away by then, or keeps what is told them until it has.</summary>
    private static readonly TimeSpan TakeoverDelay = TimeSpan.FromMilliseconds(500);
    private readonly Dictionary<string, VirtualMachineInstance> _vmis = [];
    private readonly Dictionary<string, (string VmiUid, PodObservation Pod)> _pods = [];
    private readonly IActorRef _vmiRegion;
    private readonly IActorRef _volumes;
    private bool _vmisListed;
    private bool _podsListed;

    public FeedsActor(
        IKubeClient kubernetes, IActorRef vmiRegion, IActorRef machineRegion, IActorRef replicaSetRegion, IActorRef poolRegion, Props migrationPlanner, TimeProvider time, ILogger log)
    {
        _vmiRegion = vmiRegion;
        var pools = Context.ActorOf(PoolFeedsActor.Props(kubernetes, poolRegion, time, log), "pools");
        var machines = Context.ActorOf(MachineFeedsActor.Props(kubernetes, machineRegion, pools, time, log), "machines");
        var replicaSets = Context.ActorOf(ReplicaSetFeedsActor.Props(kubernetes, replicaSetRegion, time, log), "replica-sets");
        var planner = Context.ActorOf(migrationPlanner, "migration-planner");
        _volumes = Context.ActorOf(VolumeFeedsActor.Props(kubernetes, vmiRegion, time, log), "volumes");
        var materializer = Context.Materializer();
        Run<VirtualMachineInstance>(new FeedOptions());
        Run<Pod>(new FeedOptions(LabelSelector: $"{Labels.App}={Labels.LauncherApp}"));
        Receive<FeedEvent<VirtualMachineInstance>>(e =>
        {
            OnVmi(e);
            machines.Tell(e);
            replicaSets.Tell(e);
            pools.Tell(e);
            planner.Tell(e);
            _volumes.Tell(e);
        });
        Run<VirtualMachineInstanceMigration>(new FeedOptions());
        Run<Node>(new FeedOptions());
        Run<KubeVirt>(new FeedOptions());
        Receive<FeedEvent<VirtualMachineInstanceMigration>>(planner.Forward);
        Receive<FeedEvent<Node>>(planner.Forward);
        Receive<FeedEvent<KubeVirt>>(planner.Forward);
        Receive<FeedEvent<Pod>>(OnPod);
        Receive<Resync>(_ => TellAll());
        Receive<TakenOver>(taken =>
        {
            TellAll();
            foreach (var child in Context.GetChildren())
                child.Tell(taken);
        });
        Receive<TellAgain>(Tell);
        Receive<ClusterEvent.MemberRemoved>(_ => Timers.StartSingleTimer("takeover", TakenOver.Instance, TakeoverDelay));
        Receive<ClusterEvent.CurrentClusterState>(_ => { });

        void Run<T>(FeedOptions options) where T : Troupe.Messages.Api.Meta.KubeObject
        {
            var self = Self;
            WatchFeed.Source<T>(kubernetes, options, time, log).RunForeach(e => self.Tell(e), materializer);
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        IKubeClient kubernetes, IActorRef vmiRegion, IActorRef machineRegion, IActorRef replicaSetRegion, IActorRef poolRegion, Props migrationPlanner, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new FeedsActor(kubernetes, vmiRegion, machineRegion, replicaSetRegion, poolRegion, migrationPlanner, time, log));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Resync), Resync.Instance, ResyncInterval);
        Cluster.Get(Context.System).Subscribe(Self, typeof(ClusterEvent.MemberRemoved));
    }

    protected override void PostStop() => Cluster.Get(Context.System).Unsubscribe(Self);

    private void OnVmi(FeedEvent<VirtualMachineInstance> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstance>.Observed { Object: var vmi }:
                _vmis[vmi.Metadata.Uid!] = vmi;
                _vmiRegion.Tell(new VmiObserved(vmi.Metadata.Uid!, vmi));
                break;
            case FeedEvent<VirtualMachineInstance>.Gone { Last: var vmi }:
                _vmis.Remove(vmi.Metadata.Uid!);
                _vmiRegion.Tell(new VmiGone(vmi.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachineInstance>.Synced:
                _vmisListed = true;
                TellAbsentPods();
                break;
        }
    }

    private void OnPod(FeedEvent<Pod> e)
    {
        switch (e)
        {
            case FeedEvent<Pod>.Observed { Object: var pod } when PodProjection.VmiUid(pod) is { } uid:
                _pods[pod.Metadata.Uid!] = (uid, PodProjection.Of(pod));
                _vmiRegion.Tell(new PodObserved(uid, PodProjection.Of(pod)));
                break;
            case FeedEvent<Pod>.Gone { Last: var pod } when PodProjection.VmiUid(pod) is { } uid:
                _pods.Remove(pod.Metadata.Uid!);
                // A VMI that is gone as well needs no news of its pod; telling it would only wake an actor that has ended.
                if (_vmis.ContainsKey(uid))
                    _vmiRegion.Tell(new PodGone(uid, pod.Metadata.Name!, pod.Metadata.Uid!));
                break;
            case FeedEvent<Pod>.Synced:
                _podsListed = true;
                TellAbsentPods();
                break;
        }
    }

    private void Tell(TellAgain request)
    {
        var uid = request.VmiUid;
        var pods = _pods.Values.Where(p => p.VmiUid == uid).ToList();
        if (_vmis.TryGetValue(uid, out var vmi))
            _vmiRegion.Tell(new VmiObserved(uid, vmi));
        else if (_vmisListed)
            _vmiRegion.Tell(new VmiGone(uid));
        foreach (var (_, pod) in pods)
            _vmiRegion.Tell(new PodObserved(uid, pod));
        if (pods.Count == 0 && _podsListed)
            _vmiRegion.Tell(new NoPodListed(uid));
        _volumes.Tell(request);
    }

    private void TellAll()
    {
        _volumes.Tell(VolumeFeedsActor.Resync.Instance);
        foreach (var (uid, vmi) in _vmis)
            _vmiRegion.Tell(new VmiObserved(uid, vmi));
        foreach (var (uid, pod) in _pods.Values)
            _vmiRegion.Tell(new PodObserved(uid, pod));
        TellAbsentPods();
    }

    /// <summary>A pod that vanished while nobody watched sends no event; a complete list shows that it is missing.</summary>
    private void TellAbsentPods()
    {
        if (!_vmisListed || !_podsListed)
            return;
        var withPod = _pods.Values.Select(p => p.VmiUid).ToHashSet();
        foreach (var uid in _vmis.Keys.Where(uid => !withPod.Contains(uid)))
            _vmiRegion.Tell(new NoPodListed(uid));
    }

    /// <summary>Entities of a member that left have come up elsewhere and know nothing; told to the other feeds as well.</summary>
    internal sealed class TakenOver
    {
        public static readonly TakenOver Instance = new();
    }

    private sealed class Resync
    {
        public static readonly Resync Instance = new();
    }
}
