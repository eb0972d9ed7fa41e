using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Machines;

/// <summary>Addressed to the actor of one VirtualMachineInstanceReplicaSet, by its UID.</summary>
public interface IReplicaSetMessage : IWireMessage
{
    string ReplicaSetUid { get; }
}

public sealed record ReplicaSetObserved(string ReplicaSetUid, VirtualMachineInstanceReplicaSet ReplicaSet) : IReplicaSetMessage;

public sealed record ReplicaSetGone(string ReplicaSetUid) : IReplicaSetMessage;

/// <summary>The latest state of an instance that the set controls.</summary>
public sealed record ReplicaObserved(string ReplicaSetUid, VirtualMachineInstance Instance) : IReplicaSetMessage;

public sealed record ReplicaGone(string ReplicaSetUid, string InstanceUid) : IReplicaSetMessage;

/// <summary>Every instance of the set that exists has been told.</summary>
public sealed record ReplicasListed(string ReplicaSetUid) : IReplicaSetMessage;
