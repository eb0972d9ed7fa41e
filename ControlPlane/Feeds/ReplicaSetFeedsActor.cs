using Akka.Actor;
using Troupe.ControlPlane.Machines;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Feeds;

/// <summary>Child of the feeds' singleton: watches replica sets, is told of VMIs by its parent, and routes both to the sets' actors.</summary>
internal sealed class ReplicaSetFeedsActor : ReceiveActor
{
    private readonly Dictionary<string, VirtualMachineInstanceReplicaSet> _sets = [];
    private readonly Dictionary<string, (string Owner, VirtualMachineInstance Instance)> _instances = [];
    private readonly IActorRef _region;
    private bool _instancesListed;

    public ReplicaSetFeedsActor(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log)
    {
        _region = region;
        Context.Follow<VirtualMachineInstanceReplicaSet>(kubernetes, new FeedOptions(), time, log);
        Receive<FeedEvent<VirtualMachineInstanceReplicaSet>>(OnSet);
        Receive<FeedEvent<VirtualMachineInstance>>(OnInstance);
        Receive<FeedsActor.Resync>(_ => TellAll());
    }

    public static Props Props(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new ReplicaSetFeedsActor(kubernetes, region, time, log));

    private void OnSet(FeedEvent<VirtualMachineInstanceReplicaSet> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstanceReplicaSet>.Observed { Object: var set }:
                var isNew = _sets.TryAdd(set.Metadata.Uid!, set);
                _sets[set.Metadata.Uid!] = set;
                _region.Tell(new ReplicaSetObserved(set.Metadata.Uid!, set));
                if (isNew)
                    TellReplicas(set.Metadata.Uid!);
                break;
            case FeedEvent<VirtualMachineInstanceReplicaSet>.Gone { Last: var set }:
                _sets.Remove(set.Metadata.Uid!);
                _region.Tell(new ReplicaSetGone(set.Metadata.Uid!));
                break;
        }
    }

    private void OnInstance(FeedEvent<VirtualMachineInstance> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstance>.Observed { Object: var instance }:
                var (before, now) = (_instances.TryGetValue(instance.Metadata.Uid!, out var known) ? known.Owner : null, Owner(instance));
                if (before is not null && before != now && _instances.Remove(instance.Metadata.Uid!))
                    Tell(new ReplicaGone(before, instance.Metadata.Uid!));
                if (now is null)
                    break;
                _instances[instance.Metadata.Uid!] = (now, instance);
                Tell(new ReplicaObserved(now, instance));
                break;
            case FeedEvent<VirtualMachineInstance>.Gone { Last: var instance } when Owner(instance) is { } owner:
                _instances.Remove(instance.Metadata.Uid!);
                Tell(new ReplicaGone(owner, instance.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachineInstance>.Synced:
                _instancesListed = true;
                TellAll();
                break;
        }
    }

    private void Tell(IReplicaSetMessage message)
    {
        if (_sets.ContainsKey(message.ReplicaSetUid))
            _region.Tell(message);
    }

    private void TellAll()
    {
        foreach (var (uid, set) in _sets)
        {
            _region.Tell(new ReplicaSetObserved(uid, set));
            TellReplicas(uid);
        }
    }

    private void TellReplicas(string uid)
    {
        foreach (var (_, instance) in _instances.Values.Where(i => i.Owner == uid))
            _region.Tell(new ReplicaObserved(uid, instance));
        if (_instancesListed)
            _region.Tell(new ReplicasListed(uid));
    }

    private static string? Owner(VirtualMachineInstance instance) => OwnerReferences.Controller(instance, "VirtualMachineInstanceReplicaSet")?.Uid;
}
