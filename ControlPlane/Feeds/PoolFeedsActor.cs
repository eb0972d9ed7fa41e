using Akka.Actor;
using Troupe.ControlPlane.Machines;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Feeds;

/// <summary>
/// Child of the feeds' singleton: watches pools, is told of machines and VMIs by the feeds that watch those, and routes all to the pools' actors:
/// a machine by its owner, a VMI by the owner of its machine.
/// </summary>
internal sealed class PoolFeedsActor : ReceiveActor
{
    private readonly Dictionary<string, VirtualMachinePool> _pools = [];
    private readonly Dictionary<string, (string Pool, VirtualMachine Machine)> _machines = [];
    private readonly Dictionary<string, VirtualMachineInstance> _instances = [];
    private readonly IActorRef _region;
    private bool _machinesListed;
    private bool _instancesListed;

    public PoolFeedsActor(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log)
    {
        _region = region;
        Context.Follow<VirtualMachinePool>(kubernetes, new FeedOptions(), time, log);
        Receive<FeedEvent<VirtualMachinePool>>(OnPool);
        Receive<FeedEvent<VirtualMachine>>(OnMachine);
        Receive<FeedEvent<VirtualMachineInstance>>(OnInstance);
        Receive<FeedsActor.Resync>(_ => TellAll());
    }

    public static Props Props(IKubeClient kubernetes, IActorRef region, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new PoolFeedsActor(kubernetes, region, time, log));

    private void OnPool(FeedEvent<VirtualMachinePool> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachinePool>.Observed { Object: var pool }:
                var isNew = _pools.TryAdd(pool.Metadata.Uid!, pool);
                _pools[pool.Metadata.Uid!] = pool;
                _region.Tell(new PoolObserved(pool.Metadata.Uid!, pool));
                if (isNew)
                    TellMembers(pool.Metadata.Uid!);
                break;
            case FeedEvent<VirtualMachinePool>.Gone { Last: var pool }:
                _pools.Remove(pool.Metadata.Uid!);
                _region.Tell(new PoolGone(pool.Metadata.Uid!));
                break;
        }
    }

    private void OnMachine(FeedEvent<VirtualMachine> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachine>.Observed { Object: var machine }:
                var uid = machine.Metadata.Uid!;
                var (before, now) = (_machines.TryGetValue(uid, out var known) ? known.Pool : null, Owner(machine, "VirtualMachinePool"));
                if (before is not null && before != now && _machines.Remove(uid))
                    Tell(new PoolMachineGone(before, uid));
                if (now is null)
                    break;
                _machines[uid] = (now, machine);
                Tell(new PoolMachineObserved(now, machine));
                // A VMI may have been told before its machine was known.
                if (before is null && _instances.Values.FirstOrDefault(i => Owner(i, "VirtualMachine") == uid) is { } instance)
                    Tell(new PoolInstanceObserved(now, uid, instance));
                break;
            case FeedEvent<VirtualMachine>.Gone { Last: var machine } when _machines.Remove(machine.Metadata.Uid!, out var gone):
                Tell(new PoolMachineGone(gone.Pool, machine.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachine>.Synced:
                _machinesListed = true;
                TellAll();
                break;
        }
    }

    private void OnInstance(FeedEvent<VirtualMachineInstance> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstance>.Observed { Object: var instance } when Owner(instance, "VirtualMachine") is { } machine:
                _instances[instance.Metadata.Uid!] = instance;
                if (_machines.TryGetValue(machine, out var owner))
                    Tell(new PoolInstanceObserved(owner.Pool, machine, instance));
                break;
            case FeedEvent<VirtualMachineInstance>.Gone { Last: var instance } when Owner(instance, "VirtualMachine") is { } machine:
                _instances.Remove(instance.Metadata.Uid!);
                if (_machines.TryGetValue(machine, out var of))
                    Tell(new PoolInstanceGone(of.Pool, machine, instance.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachineInstance>.Synced:
                _instancesListed = true;
                TellAll();
                break;
        }
    }

    private void Tell(IPoolMessage message)
    {
        if (_pools.ContainsKey(message.PoolUid))
            _region.Tell(message);
    }

    private void TellAll()
    {
        foreach (var (uid, pool) in _pools)
        {
            _region.Tell(new PoolObserved(uid, pool));
            TellMembers(uid);
        }
    }

    private void TellMembers(string uid)
    {
        var machines = _machines.Where(m => m.Value.Pool == uid).ToDictionary(m => m.Key, m => m.Value.Machine);
        foreach (var machine in machines.Values)
            _region.Tell(new PoolMachineObserved(uid, machine));
        foreach (var instance in _instances.Values)
        {
            if (Owner(instance, "VirtualMachine") is { } machine && machines.ContainsKey(machine))
                _region.Tell(new PoolInstanceObserved(uid, machine, instance));
        }

        if (_machinesListed && _instancesListed)
            _region.Tell(new PoolListed(uid));
    }

    private static string? Owner(KubeObject dependent, string kind) => OwnerReferences.Controller(dependent, kind)?.Uid;
}
