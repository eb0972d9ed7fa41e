using System.Text.Json.Serialization;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.Messages.Protocol.Migration;

/// <summary>A step of a migration that the VmiActor has decided, in its journal before anybody is told.</summary>
public interface IMigrationEvent : IVmiEvent
{
    string MigrationId { get; }
}

/// <param name="MigrationId">UID of the VirtualMachineInstanceMigration.</param>
/// <param name="PodName">The name under which the target pod is created.</param>
/// <param name="TargetEpoch">Larger than every epoch before, whether that attempt came to anything or not.</param>
/// <param name="KeptAddresses">Comma-separated addresses under which others may have sessions with the guest: those of all pods it has run in.</param>
public sealed record MigrationAccepted(string MigrationId, string Name, string PodName, long TargetEpoch, string KeptAddresses, DateTimeOffset At) : IMigrationEvent
{
    /// <summary>Volumes whose content is copied into another claim on the way, and that claim; null when all stay where they are.</summary>
    public IReadOnlyDictionary<string, string>? Claims { get; init; }

    /// <summary>The claims for TPM and UEFI state; null for a guest that has none.</summary>
    public StateClaims? State { get; init; }
}

/// <param name="Source">What the guest has.</param>
/// <param name="Target">What it has when it has moved: another one, made for it, unless several nodes may have the first.</param>
public sealed record StateClaims(string Source, string Target)
{
    [JsonIgnore]
    public bool AreTwo => Source != Target;
}

/// <summary>Kubernetes has placed the target pod and it runs.</summary>
public sealed record MigrationTargetAssigned(string MigrationId, string Node, string PodUid, DateTimeOffset At) : IMigrationEvent;

/// <summary>The source may send the guest and pass on the right. Until its promise or its end nobody else may decide who runs it.</summary>
public sealed record MigrationStarted(string MigrationId, DateTimeOffset At) : IMigrationEvent
{
    /// <summary>The guest may come by post-copy, so that its right may go before it is whole at the target; null when it may not.</summary>
    public bool? MayPostCopy { get; init; }
}

/// <summary>The source is to end the attempt; whether that came in time, only the source can tell.</summary>
public sealed record MigrationAborting(string MigrationId, string Reason, string Message, DateTimeOffset At) : IMigrationEvent;

/// <summary>The right to run has moved to the target: one event, the point of no return.</summary>
public sealed record RightHandedOver(string MigrationId, long Epoch, string Node, string PodName, string PodUid, DateTimeOffset At) : IMigrationEvent
{
    /// <summary>Some of the guest's memory is still at the source, which is needed until the target says that it has all; null when it has.</summary>
    public bool? PostCopy { get; init; }
}

/// <summary>The guest stays at the source; what was prepared at the target is to be released.</summary>
public sealed record MigrationFailed(string MigrationId, string Reason, string Message, DateTimeOffset At) : IMigrationEvent;

/// <summary>Nothing is left of the end that does not have the guest.</summary>
public sealed record MigrationReleased(string MigrationId, DateTimeOffset At) : IMigrationEvent
{
    /// <summary>Why the guest did not arrive although its right had; null when it did, or never went.</summary>
    public string? Lost { get; init; }
}
