using Akka.Actor;
using Troupe.ControlPlane.Machines;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Feeds;

/// <summary>
/// Child of the feeds' singleton: watches VirtualMachines and their DataVolumes, is told of VMIs by its parent, and routes each to the
/// actor of the machine that controls it.
/// </summary>
internal sealed class MachineFeedsActor : ReceiveActor
{
    private readonly Dictionary<string, VirtualMachine> _machines = [];
    private readonly Dictionary<string, (string Owner, VirtualMachineInstance Instance)> _instances = [];
    private readonly Dictionary<string, (string Owner, DataVolume Volume)> _volumes = [];
    private readonly IActorRef _region;
    private bool _machinesListed;
    private bool _instancesListed;

    public MachineFeedsActor(IKubeClient kubernetes, IActorRef region, IActorRef pools, TimeProvider time, ILogger log)
    {
        _region = region;
        Context.Follow<VirtualMachine>(kubernetes, new FeedOptions(), time, log);
        Context.Follow<DataVolume>(kubernetes, new FeedOptions(), time, log);
        Receive<FeedEvent<VirtualMachine>>(e =>
        {
            OnMachine(e);
            pools.Tell(e);
        });
        Receive<FeedEvent<VirtualMachineInstance>>(OnInstance);
        Receive<FeedEvent<DataVolume>>(OnVolume);
        Receive<FeedsActor.Resync>(_ => TellAll());
    }

    public static Props Props(IKubeClient kubernetes, IActorRef region, IActorRef pools, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new MachineFeedsActor(kubernetes, region, pools, time, log));

    private void OnMachine(FeedEvent<VirtualMachine> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachine>.Observed { Object: var machine }:
                var isNew = _machines.TryAdd(machine.Metadata.Uid!, machine);
                _machines[machine.Metadata.Uid!] = machine;
                _region.Tell(new MachineObserved(machine.Metadata.Uid!, machine));
                if (isNew)
                    TellDependents(machine.Metadata.Uid!);
                break;
            case FeedEvent<VirtualMachine>.Gone { Last: var machine }:
                _machines.Remove(machine.Metadata.Uid!);
                _region.Tell(new MachineGone(machine.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachine>.Synced:
                _machinesListed = true;
                TellAbsentInstances();
                break;
        }
    }

    private void OnInstance(FeedEvent<VirtualMachineInstance> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstance>.Observed { Object: var instance } when Owner(instance) is { } owner:
                _instances[instance.Metadata.Uid!] = (owner, instance);
                Tell(new InstanceObserved(owner, instance));
                break;
            case FeedEvent<VirtualMachineInstance>.Gone { Last: var instance } when Owner(instance) is { } owner:
                _instances.Remove(instance.Metadata.Uid!);
                Tell(new InstanceGone(owner, instance.Metadata.Uid!));
                break;
            case FeedEvent<VirtualMachineInstance>.Synced:
                _instancesListed = true;
                TellAbsentInstances();
                break;
        }
    }

    private void OnVolume(FeedEvent<DataVolume> e)
    {
        switch (e)
        {
            case FeedEvent<DataVolume>.Observed { Object: var volume } when Owner(volume) is { } owner:
                _volumes[volume.Metadata.Uid!] = (owner, volume);
                Tell(new DataVolumeObserved(owner, volume));
                break;
            case FeedEvent<DataVolume>.Gone { Last: var volume } when Owner(volume) is { } owner:
                _volumes.Remove(volume.Metadata.Uid!);
                Tell(new DataVolumeGone(owner, volume.Metadata.Name!));
                break;
        }
    }

    /// <summary>News of a dependent whose machine is not known here would only wake an actor that has ended.</summary>
    private void Tell(IMachineMessage message)
    {
        if (_machines.ContainsKey(message.MachineUid))
            _region.Tell(message);
    }

    private void TellAll()
    {
        foreach (var (uid, machine) in _machines)
        {
            _region.Tell(new MachineObserved(uid, machine));
            TellDependents(uid);
        }
    }

    private void TellDependents(string uid)
    {
        foreach (var (_, volume) in _volumes.Values.Where(v => v.Owner == uid))
            _region.Tell(new DataVolumeObserved(uid, volume));
        var instances = _instances.Values.Where(i => i.Owner == uid).ToList();
        foreach (var (_, instance) in instances)
            _region.Tell(new InstanceObserved(uid, instance));
        if (instances.Count == 0 && _instancesListed)
            _region.Tell(new NoInstanceListed(uid));
    }

    /// <summary>Only a complete list shows that a machine has no instance.</summary>
    private void TellAbsentInstances()
    {
        if (!_machinesListed || !_instancesListed)
            return;
        var owners = _instances.Values.Select(i => i.Owner).ToHashSet();
        foreach (var uid in _machines.Keys.Where(uid => !owners.Contains(uid)))
            _region.Tell(new NoInstanceListed(uid));
    }

    private static string? Owner(KubeObject dependent) => OwnerReferences.Controller(dependent, "VirtualMachine")?.Uid;
}
