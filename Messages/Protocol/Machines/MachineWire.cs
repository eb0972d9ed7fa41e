using System.Text.Json.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Machines;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineObserved))]
[JsonSerializable(typeof(MachineGone))]
[JsonSerializable(typeof(InstanceObserved))]
[JsonSerializable(typeof(InstanceGone))]
[JsonSerializable(typeof(NoInstanceListed))]
[JsonSerializable(typeof(DataVolumeObserved))]
[JsonSerializable(typeof(DataVolumeGone))]
[JsonSerializable(typeof(ReplicaSetObserved))]
[JsonSerializable(typeof(ReplicaSetGone))]
[JsonSerializable(typeof(ReplicaObserved))]
[JsonSerializable(typeof(ReplicaGone))]
[JsonSerializable(typeof(ReplicasListed))]
[JsonSerializable(typeof(PoolObserved))]
[JsonSerializable(typeof(PoolGone))]
[JsonSerializable(typeof(PoolMachineObserved))]
[JsonSerializable(typeof(PoolMachineGone))]
[JsonSerializable(typeof(PoolInstanceObserved))]
[JsonSerializable(typeof(PoolInstanceGone))]
[JsonSerializable(typeof(PoolListed))]
public sealed partial class MachineJson : JsonSerializerContext;

public static class MachineWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("machine.observed.1", MachineJson.Default.MachineObserved),
        WireType.Of("machine.gone.1", MachineJson.Default.MachineGone),
        WireType.Of("machine.instance-observed.1", MachineJson.Default.InstanceObserved),
        WireType.Of("machine.instance-gone.1", MachineJson.Default.InstanceGone),
        WireType.Of("machine.no-instance-listed.1", MachineJson.Default.NoInstanceListed),
        WireType.Of("machine.data-volume-observed.1", MachineJson.Default.DataVolumeObserved),
        WireType.Of("machine.data-volume-gone.1", MachineJson.Default.DataVolumeGone),
        WireType.Of("replicas.observed.1", MachineJson.Default.ReplicaSetObserved),
        WireType.Of("replicas.gone.1", MachineJson.Default.ReplicaSetGone),
        WireType.Of("replicas.one-observed.1", MachineJson.Default.ReplicaObserved),
        WireType.Of("replicas.one-gone.1", MachineJson.Default.ReplicaGone),
        WireType.Of("replicas.listed.1", MachineJson.Default.ReplicasListed),
        WireType.Of("pools.observed.1", MachineJson.Default.PoolObserved),
        WireType.Of("pools.gone.1", MachineJson.Default.PoolGone),
        WireType.Of("pools.machine-observed.1", MachineJson.Default.PoolMachineObserved),
        WireType.Of("pools.machine-gone.1", MachineJson.Default.PoolMachineGone),
        WireType.Of("pools.instance-observed.1", MachineJson.Default.PoolInstanceObserved),
        WireType.Of("pools.instance-gone.1", MachineJson.Default.PoolInstanceGone),
        WireType.Of("pools.listed.1", MachineJson.Default.PoolListed),
    ];
}
