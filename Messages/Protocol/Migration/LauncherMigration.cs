using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Migration;

/// <summary>A target launcher's order: prepare disks and listen. The endpoint comes with the observation.</summary>
public sealed record PrepareIncoming(
    long Epoch, string MigrationId, string ListenAddress, string SourceCertificate, VirtualMachineInstance Vmi, LaunchContext Context) : ILauncherRequest
{
    /// <inheritdoc cref="PrepareTarget.Platform"/>
    public PlatformObservation? Platform { get; init; }

    /// <inheritdoc cref="PrepareTarget.Paused"/>
    public bool Paused { get; init; }

    /// <inheritdoc cref="PrepareTarget.Copies"/>
    public IReadOnlyList<CopiedVolume> Copies { get; init; } = [];

    /// <summary>Where to listen, in place of the given address.</summary>
    public string? Network { get; init; }
}

/// <summary>A target launcher is given the right to run.</summary>
public sealed record AdoptIncoming(long Epoch, string MigrationId) : ILauncherRequest;

/// <summary>A target launcher is to give up for good what it has no right to.</summary>
public sealed record RefuseIncoming(long Epoch, string MigrationId) : ILauncherRequest;

/// <summary>A source launcher's order; answered when it is understood, how it goes comes with observations.</summary>
public sealed record MigrateDomain(long Epoch, string MigrationId, long TargetEpoch, MigrationEndpoint Target, MigrationOptions Options) : ILauncherRequest
{
    /// <inheritdoc cref="StartMigration.Copies"/>
    public IReadOnlyList<CopiedVolume> Copies { get; init; } = [];
}

public sealed record AbortMigrate(long Epoch, string MigrationId, long TargetEpoch) : ILauncherRequest;

/// <summary>Said on the control channel between two launchers, whose certificates have proved who they are.</summary>
public interface IPeerMessage : IWireMessage
{
    long TargetEpoch { get; }
}

/// <summary>Target to source: the guest is here, whole and paused.</summary>
public sealed record GuestLoaded(long TargetEpoch) : IPeerMessage;

/// <summary>Source to target: the guest is stopped here for good; the right is yours.</summary>
/// <param name="Paused">By its user: it is the target's, but stands still.</param>
public sealed record RunGuest(long TargetEpoch, bool Paused = false) : IPeerMessage
{
    /// <summary>What the guest has open, so that its next packet goes out as the one before did. Null if nothing is known of that.</summary>
    public IReadOnlyList<GuestSession>? Sessions { get; init; }
}
