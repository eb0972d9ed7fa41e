using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

/// <summary>What a replica set's actor knows; all of it is told again by the feed.</summary>
public sealed record ReplicaSetState(string Uid)
{
    public VirtualMachineInstanceReplicaSet? ReplicaSet { get; init; }
    public bool Gone { get; init; }

    /// <summary>By UID.</summary>
    public IReadOnlyDictionary<string, VirtualMachineInstance> Instances { get; init; } = new Dictionary<string, VirtualMachineInstance>();

    /// <summary>Before all instances have been told, none is made or deleted.</summary>
    public bool Listed { get; init; }

    public SyncFailure? Failure { get; init; }

    public ReplicaSetState Observe(IReplicaSetMessage message) => message switch
    {
        ReplicaSetObserved o when ResourceVersions.IsNewer(o.ReplicaSet.Metadata.ResourceVersion, ReplicaSet?.Metadata.ResourceVersion) => this with { ReplicaSet = o.ReplicaSet },
        ReplicaSetGone => this with { Gone = true },
        ReplicaObserved o => With(o.Instance),
        ReplicaGone g => this with { Instances = Instances.Where(i => i.Key != g.InstanceUid).ToDictionary() },
        ReplicasListed => this with { Listed = true },
        _ => this,
    };

    /// <summary>A deletion that the API server has taken stays, however old the next news is.</summary>
    public ReplicaSetState With(VirtualMachineInstance instance)
    {
        var known = Instances.GetValueOrDefault(instance.Metadata.Uid!);
        var deleting = known?.Metadata.DeletionTimestamp;
        var latest = deleting is null ? instance : instance with { Metadata = instance.Metadata with { DeletionTimestamp = instance.Metadata.DeletionTimestamp ?? deleting } };
        return this with { Instances = new Dictionary<string, VirtualMachineInstance>(Instances) { [instance.Metadata.Uid!] = latest } };
    }
}
