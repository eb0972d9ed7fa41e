using System.Text.Json.Serialization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Vmi;

/// <summary>Addressed to the VmiActor of one VMI, by the VMI's UID.</summary>
public interface IVmiMessage : IWireMessage
{
    string VmiUid { get; }
}

/// <summary>The latest VMI object that the feed has seen.</summary>
public sealed record VmiObserved(string VmiUid, VirtualMachineInstance Vmi) : IVmiMessage;

/// <summary>The VMI object is gone from the API server.</summary>
public sealed record VmiGone(string VmiUid) : IVmiMessage;

/// <summary>The latest state of a launcher pod that belongs to the VMI.</summary>
public sealed record PodObserved(string VmiUid, PodObservation Pod) : IVmiMessage;

public sealed record PodGone(string VmiUid, string PodName, string PodUid) : IVmiMessage;

/// <summary>A fresh list shows no launcher pod of the VMI: one that was seen before is gone, and its end was missed.</summary>
public sealed record NoPodListed(string VmiUid) : IVmiMessage;

/// <summary>To the feeds: this VMI's actor was woken by somebody else, or lost its memory, and is to be told of its object and pods.</summary>
public sealed record TellAgain(string VmiUid) : IWireMessage;

/// <summary>To the feeds: this VMI needs a VSOCK context id that no other one has.</summary>
public sealed record ContextIdWanted(string VmiUid) : IWireMessage;

/// <summary>Its own from now on; once the object says it, nothing else counts.</summary>
public sealed record ContextIdGiven(string VmiUid, long ContextId) : IVmiMessage;

/// <summary>What the lifecycle needs of a launcher pod.</summary>
/// <param name="Ready">A guest can be started in it: the launcher runs, and all other containers are ready.</param>
/// <param name="Unpaused">The condition behind the readiness gate; null until somebody has set it.</param>
/// <param name="EvictionInProgress">It bears the mark that deschedulers look for.</param>
/// <param name="ResourceVersion">Orders observations of one pod that come by different ways.</param>
public sealed record PodObservation(
    string Name, string Uid, string? Node, string Phase, bool Ready, bool Deleting, IReadOnlyList<string> Addresses, string? QosClass,
    PodConditionObservation? Scheduled, PodConditionObservation? ReadyCondition, string? WaitingReason, string? WaitingMessage, string? TerminatedMessage,
    string? LauncherImage, PodConditionObservation? Unpaused = null, string? ResourceVersion = null, bool EvictionInProgress = false)
{
    /// <summary>The guest passes its readiness probe, where it has one.</summary>
    public bool ContainersReady { get; init; } = true;

    /// <summary>Hook side-cars, which need not end when the launcher does.</summary>
    public bool HasOtherContainers { get; init; }

    [JsonIgnore]
    public bool HasEndedWell => Phase == "Succeeded";

    /// <summary>Of the launcher's container, for as long as the pod lives.</summary>
    public PodLimits Limits { get; init; } = PodLimits.None;

    /// <summary>When the launcher's container ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What Multus is told to attach to it: the annotation's text.</summary>
    public string? Networks { get; init; }

    /// <summary>What Multus says of the pod's networks, and what of it the pod was told.</summary>
    public string? NetworkStatus { get; init; }
    public string? NetworkInfo { get; init; }

    /// <summary>What deschedulers are told by annotations: to move the guest, or rather not.</summary>
    public string? Evict { get; init; }
    public string? PreferNoEviction { get; init; }

    /// <summary>Names of the devices that Multus says it has.</summary>
    public IReadOnlyList<string> AttachedDevices { get; init; } = [];
}

/// <summary>More than this a container does not get; null where it may have what its node has.</summary>
/// <param name="CpuMilli">Thousandths of a CPU.</param>
public sealed record PodLimits(long? CpuMilli, long? MemoryBytes, long? HugepagesBytes)
{
    public static PodLimits None { get; } = new(null, null, null);
}

public sealed record PodConditionObservation(string Status, string? Reason, string? Message, DateTimeOffset? LastTransitionTime);
