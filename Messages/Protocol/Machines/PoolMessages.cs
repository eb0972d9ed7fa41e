using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Machines;

/// <summary>Addressed to the actor of one VirtualMachinePool, by its UID.</summary>
public interface IPoolMessage : IWireMessage
{
    string PoolUid { get; }
}

public sealed record PoolObserved(string PoolUid, VirtualMachinePool Pool) : IPoolMessage;

public sealed record PoolGone(string PoolUid) : IPoolMessage;

/// <summary>The latest state of a machine that the pool controls.</summary>
public sealed record PoolMachineObserved(string PoolUid, VirtualMachine Machine) : IPoolMessage;

public sealed record PoolMachineGone(string PoolUid, string MachineUid) : IPoolMessage;

/// <summary>The latest state of the instance of one of the pool's machines.</summary>
public sealed record PoolInstanceObserved(string PoolUid, string MachineUid, VirtualMachineInstance Instance) : IPoolMessage;

public sealed record PoolInstanceGone(string PoolUid, string MachineUid, string InstanceUid) : IPoolMessage;

/// <summary>Every machine and instance of the pool that exists has been told.</summary>
public sealed record PoolListed(string PoolUid) : IPoolMessage;
