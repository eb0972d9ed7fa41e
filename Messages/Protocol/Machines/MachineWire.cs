using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Machines;

public static class MachineWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("machine.observed.1", WireJson.Default.MachineObserved),
        WireType.Of("machine.gone.1", WireJson.Default.MachineGone),
        WireType.Of("machine.instance-observed.1", WireJson.Default.InstanceObserved),
        WireType.Of("machine.instance-gone.1", WireJson.Default.InstanceGone),
        WireType.Of("machine.no-instance-listed.1", WireJson.Default.NoInstanceListed),
        WireType.Of("machine.data-volume-observed.1", WireJson.Default.DataVolumeObserved),
        WireType.Of("machine.data-volume-gone.1", WireJson.Default.DataVolumeGone),
        WireType.Of("replicas.observed.1", WireJson.Default.ReplicaSetObserved),
        WireType.Of("replicas.gone.1", WireJson.Default.ReplicaSetGone),
        WireType.Of("replicas.one-observed.1", WireJson.Default.ReplicaObserved),
        WireType.Of("replicas.one-gone.1", WireJson.Default.ReplicaGone),
        WireType.Of("replicas.listed.1", WireJson.Default.ReplicasListed),
        WireType.Of("pools.observed.1", WireJson.Default.PoolObserved),
        WireType.Of("pools.gone.1", WireJson.Default.PoolGone),
        WireType.Of("pools.machine-observed.1", WireJson.Default.PoolMachineObserved),
        WireType.Of("pools.machine-gone.1", WireJson.Default.PoolMachineGone),
        WireType.Of("pools.instance-observed.1", WireJson.Default.PoolInstanceObserved),
        WireType.Of("pools.instance-gone.1", WireJson.Default.PoolInstanceGone),
        WireType.Of("pools.listed.1", WireJson.Default.PoolListed),
    ];
}
