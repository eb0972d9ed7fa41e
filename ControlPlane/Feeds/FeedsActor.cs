using Akka.Actor;
using Akka.Cluster;
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
        IActorRef[] routers = [machines, replicaSets, pools, _volumes];
        Context.Follow<VirtualMachineInstance>(kubernetes, new FeedOptions(), time, log);
        Context.Follow<Pod>(kubernetes, new FeedOptions(LabelSelector: $"{Labels.App}={Labels.LauncherApp}"), time, log);
        Receive<FeedEvent<VirtualMachineInstance>>(e =>
        {
            OnVmi(e);
            planner.Tell(e);
            foreach (var router in routers)
                router.Tell(e);
        });
        Context.FollowShared<VirtualMachineInstanceMigration>(kubernetes, time, log);
        Context.Follow<Node>(kubernetes, new FeedOptions(), time, log);
        Context.FollowShared<KubeVirt>(kubernetes, time, log);
        Receive<FeedEvent<VirtualMachineInstanceMigration>>(planner.Forward);
        Receive<FeedEvent<Node>>(planner.Forward);
        Receive<FeedEvent<KubeVirt>>(planner.Forward);
        Receive<FeedEvent<Pod>>(OnPod);
        Receive<Resync>(resync =>
        {
            TellAll();
            foreach (var router in routers)
                router.Tell(resync);
        });
        Receive<TellAgain>(Tell);
        Receive<ClusterEvent.MemberRemoved>(_ => Timers.StartSingleTimer("takeover", Resync.Instance, TakeoverDelay));
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
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
                var observed = PodProjection.Of(pod);
                _pods[pod.Metadata.Uid!] = (uid, observed);
                _vmiRegion.Tell(new PodObserved(uid, observed));
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

    /// <summary>Somebody may have lost what was told: time has passed, or entities of a member that left have come up elsewhere and know nothing.</summary>
    internal sealed class Resync
    {
        public static readonly Resync Instance = new();
    }
}
