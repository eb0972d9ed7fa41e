namespace Troupe.Messages.Protocol.Vmi;

/// <summary>The latest state of a claim that a volume of the VMI names, or that holds its state.</summary>
public sealed record ClaimObserved(string VmiUid, ClaimObservation Claim) : IVmiMessage;

/// <summary>A volume names a claim that does not exist.</summary>
public sealed record ClaimGone(string VmiUid, string ClaimName) : IVmiMessage;

/// <summary>The latest state of a pod that brings a plugged volume to the guest's node.</summary>
public sealed record AttachmentObserved(string VmiUid, AttachmentObservation Pod) : IVmiMessage;

public sealed record AttachmentGone(string VmiUid, string PodName, string PodUid) : IVmiMessage;

/// <summary>What kubelet says of a pod whose containers do not start: a config map that is not there, a volume in use elsewhere.</summary>
/// <param name="Reason">Of its event; null when it has said nothing.</param>
public sealed record PodTroubled(string VmiUid, string PodUid, string? Reason, string? Message) : IVmiMessage;

/// <summary>What a VMI's lifecycle needs of a PersistentVolumeClaim.</summary>
/// <param name="Phase">Pending, Bound or Lost.</param>
/// <param name="IsPopulated">False while a DataVolume still fills it.</param>
/// <param name="CapacityBytes">Of the bound volume; 0 before.</param>
/// <param name="RequestBytes">What the claim asks for.</param>
public sealed record ClaimObservation(
    string Name, string Phase, bool IsBlock, IReadOnlyList<string> AccessModes, long CapacityBytes, long RequestBytes, bool IsPreallocated, bool IsPopulated)
{
    public bool IsBound => Phase == "Bound";

    /// <summary>Name of the VMI whose TPM and UEFI state it holds, by its label.</summary>
    public string? StateOf { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public bool IsDeleting { get; init; }
}

/// <param name="Volume">Of the VMI.</param>
/// <param name="LauncherPodUid">Pod that owns it, and with it goes.</param>
/// <param name="IsReady">Its container runs: what it brings is mounted in it.</param>
/// <param name="IsOver">It has ended and brings nothing any more.</param>
/// <param name="Problem">Why it is not ready, in words, where it says so.</param>
public sealed record AttachmentObservation(string Name, string Uid, string Volume, string LauncherPodUid, bool IsReady, bool IsDeleting, bool IsOver = false, string? Problem = null);
