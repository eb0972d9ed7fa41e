using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>One write of the storage controller; each is safe to repeat.</summary>
internal abstract record StorageStep
{
    /// <summary>The volume's half of a binding: its claimRef.</summary>
    public sealed record ReserveVolume(PersistentVolume Volume, PersistentVolumeClaim Claim) : StorageStep;

    /// <summary>The claim's half of a binding: volumeName and the annotation that says both halves are done.</summary>
    public sealed record BindClaim(PersistentVolumeClaim Claim, PersistentVolume Volume) : StorageStep;

    /// <summary>Phase, and what a bound claim has got.</summary>
    public sealed record WriteClaimStatus(PersistentVolumeClaim Claim, string Phase, PersistentVolume? Volume) : StorageStep;

    public sealed record WriteVolumePhase(PersistentVolume Volume, string Phase, string? Message = null) : StorageStep;

    /// <summary>Tells a provisioner that is not ours that the claim is its.</summary>
    public sealed record NameProvisioner(PersistentVolumeClaim Claim, StorageClass Class) : StorageStep;

    public sealed record Provision(PersistentVolumeClaim Claim, StorageClass Class) : StorageStep;

    public sealed record Expand(PersistentVolumeClaim Claim, PersistentVolume Volume) : StorageStep;

    /// <summary>Removes what lies behind a released volume, then its object.</summary>
    public sealed record DeleteVolume(PersistentVolume Volume) : StorageStep;

    public sealed record DropClaimFinalizer(PersistentVolumeClaim Claim) : StorageStep;

    public sealed record DropVolumeFinalizer(PersistentVolume Volume) : StorageStep;

    public sealed record TellClaim(PersistentVolumeClaim Claim, string Type, string Reason, string Message) : StorageStep;

    public sealed record TellVolume(PersistentVolume Volume, string Type, string Reason, string Message) : StorageStep;
}
