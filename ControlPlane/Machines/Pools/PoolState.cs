using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>What a pool's actor knows; all of it is told again by the feed or can be read again.</summary>
public sealed record PoolState(string Uid)
{
    public VirtualMachinePool? Pool { get; init; }
    public bool Gone { get; init; }

    /// <summary>Before all machines have been told, none is made or deleted.</summary>
    public bool Listed { get; init; }

    /// <summary>By UID.</summary>
    public IReadOnlyDictionary<string, VirtualMachine> Machines { get; init; } = new Dictionary<string, VirtualMachine>();

    /// <summary>By their machine's UID.</summary>
    public IReadOnlyDictionary<string, VirtualMachineInstance> Instances { get; init; } = new Dictionary<string, VirtualMachineInstance>();

    /// <summary>Specs of the pool by revision; null for one that does not exist.</summary>
    public IReadOnlyDictionary<string, VirtualMachinePoolSpec?> Revisions { get; init; } = new Dictionary<string, VirtualMachinePoolSpec?>();

    /// <summary>Names of machines that are not the pool's.</summary>
    public IReadOnlySet<string> Taken { get; init; } = new HashSet<string>();

    /// <summary>The revisions in use when the others were last removed; null before.</summary>
    public IReadOnlySet<string>? Kept { get; init; }

    public SyncFailure? Failure { get; init; }

    public PoolState Observe(IPoolMessage message) => message switch
    {
        PoolObserved o when ResourceVersions.IsNewer(o.Pool.Metadata.ResourceVersion, Pool?.Metadata.ResourceVersion) => this with { Pool = o.Pool },
        PoolGone => this with { Gone = true },
        PoolMachineObserved o => With(o.Machine),
        PoolMachineGone g => this with { Machines = Without(Machines, g.MachineUid), Instances = Without(Instances, g.MachineUid), Taken = new HashSet<string>() },
        PoolInstanceObserved o => With(o.MachineUid, o.Instance),
        PoolInstanceGone g when Instances.GetValueOrDefault(g.MachineUid)?.Metadata.Uid == g.InstanceUid => this with { Instances = Without(Instances, g.MachineUid) },
        PoolListed => this with { Listed = true },
        _ => this,
    };

    /// <summary>Older news than what is known, and a deletion that the API server has taken but the feed not yet seen, change nothing.</summary>
    public PoolState With(VirtualMachine machine) => this with { Machines = Latest(Machines, machine.Metadata.Uid!, machine) };

    public PoolState With(string machineUid, VirtualMachineInstance instance) => this with { Instances = Latest(Instances, machineUid, instance) };

    public PoolState WithRevision(string name, VirtualMachinePoolSpec? spec) => this with { Revisions = new Dictionary<string, VirtualMachinePoolSpec?>(Revisions) { [name] = spec } };

    private static Dictionary<string, T> Latest<T>(IReadOnlyDictionary<string, T> all, string key, T obj) where T : KubeObject
    {
        var known = all.GetValueOrDefault(key);
        if (known?.Metadata.Uid == obj.Metadata.Uid && known!.Metadata.DeletionTimestamp is { } deleting && obj.Metadata.DeletionTimestamp is null)
            obj = obj with { Metadata = obj.Metadata with { DeletionTimestamp = deleting } };
        return known?.Metadata.Uid == obj.Metadata.Uid && !ResourceVersions.IsNewer(obj.Metadata.ResourceVersion, known!.Metadata.ResourceVersion)
            ? new Dictionary<string, T>(all)
            : new Dictionary<string, T>(all) { [key] = obj };
    }

    private static Dictionary<string, T> Without<T>(IReadOnlyDictionary<string, T> all, string key) => all.Where(e => e.Key != key).ToDictionary();
}
