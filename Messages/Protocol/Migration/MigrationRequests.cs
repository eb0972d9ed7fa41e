using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Vmi;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Migration;

/// <summary>To a VmiActor: move the guest; or, with <paramref name="Cancel"/>, do not. Repeated until <see cref="MigrationNews"/> says that it is over.</summary>
/// <param name="MigrationId">UID of the VirtualMachineInstanceMigration.</param>
/// <param name="NodeSelector">Labels (<c>key=value</c>) that the target node must have beside those the VMI asks for.</param>
/// <param name="Policy">Name of the MigrationPolicy that had a say.</param>
/// <param name="Held">A target may be looked for, but nothing may be done on its node yet: it takes in no more for now.</param>
public sealed record MigrateVmi(
    string VmiUid, string MigrationId, string Name, IReadOnlyList<string> NodeSelector, MigrationOptions Options, string? Policy, bool Cancel, bool Held = false) : IVmiMessage
{
    /// <summary>What the settings ask for and does not happen, in words.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];
}

/// <summary>The target pod carries the mark by which the network knows where the guest is.</summary>
public sealed record AddressesLed(string VmiUid, string MigrationId) : IVmiMessage;

/// <summary>The target's claim for TPM and UEFI state exists.</summary>
public sealed record StateClaimMade(string VmiUid, string MigrationId) : IVmiMessage;

/// <summary>Of the two claims only the one is left that the guest has.</summary>
public sealed record StateClaimSettled(string VmiUid, string MigrationId) : IVmiMessage;

/// <summary>From a VmiActor: how far a migration is. Answers <see cref="MigrateVmi"/>, and is sent again to whoever asked last with every change.</summary>
/// <param name="Phase">As in the VirtualMachineInstanceMigration's status; null while the VMI is not known well enough to tell.</param>
/// <param name="Message">What went wrong; in phase Pending, why there is no target pod yet.</param>
/// <param name="TargetNode">As soon as the target pod runs on it.</param>
/// <param name="Story">Of a migration that is over: what the VMI's status tells about it.</param>
public sealed record MigrationNews(
    string VmiUid, string MigrationId, string? Phase, string? Reason, string? Message, string? TargetNode, string? TargetPod = null, VirtualMachineInstanceMigrationState? Story = null) : IWireMessage;
