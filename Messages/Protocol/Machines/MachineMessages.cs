using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Machines;

/// <summary>Addressed to the actor of one VirtualMachine, by its UID.</summary>
public interface IMachineMessage : IWireMessage
{
    string MachineUid { get; }
}

/// <summary>The latest VirtualMachine object that the feed has seen.</summary>
public sealed record MachineObserved(string MachineUid, VirtualMachine Machine) : IMachineMessage;

/// <summary>The VirtualMachine object is gone from the API server.</summary>
public sealed record MachineGone(string MachineUid) : IMachineMessage;

/// <summary>The latest state of the instance that the machine controls.</summary>
public sealed record InstanceObserved(string MachineUid, VirtualMachineInstance Instance) : IMachineMessage;

public sealed record InstanceGone(string MachineUid, string InstanceUid) : IMachineMessage;

/// <summary>A complete list shows no instance of the machine.</summary>
public sealed record NoInstanceListed(string MachineUid) : IMachineMessage;

/// <summary>The latest state of a DataVolume that the machine controls.</summary>
public sealed record DataVolumeObserved(string MachineUid, DataVolume DataVolume) : IMachineMessage;

public sealed record DataVolumeGone(string MachineUid, string Name) : IMachineMessage;
