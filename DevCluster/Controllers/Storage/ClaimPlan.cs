using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>What is to be done about a claim: find or make its volume, bind, expand, protect. Pure.</summary>
internal static class ClaimPlan
{
    public static IReadOnlyList<StorageStep> Next(PersistentVolumeClaim claim, StorageView view)
    {
        if (claim.Metadata.IsDeleted)
            return claim.Metadata.Finalizers.Contains(StorageNames.ClaimProtection) && !view.UsersOf(claim).Any() ? [new StorageStep.DropClaimFinalizer(claim)] : [];
        return claim.IsBound ? Bound(claim, view) : [.. Unbound(claim, view)];
    }

    private static List<StorageStep> Bound(PersistentVolumeClaim claim, StorageView view)
    {
        if (view.Volume(claim.Spec.VolumeName) is not { } volume)
            return Lost(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
        if (!volume.IsFor(claim))
        {
            return volume.Spec.ClaimRef is null
                ? [new StorageStep.ReserveVolume(volume, claim)]
                : Lost(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
        }
        if (claim.Status.Phase != "Bound")
            return [new StorageStep.WriteClaimStatus(claim, "Bound", volume)];
        var has = claim.Status.Capacity.GetValueOrDefault("storage");
        return claim.Requested > has && view.Classes.GetValueOrDefault(claim.Class) is { AllowVolumeExpansion: true } && volume.Spec.Csi?.Driver == StorageNames.LocalDriver
            ? [new StorageStep.Expand(claim, volume)]
            : [];
    }

    private static List<StorageStep> Lost(PersistentVolumeClaim claim, string reason, string message) => claim.Status.Phase == "Lost" ? [] :
    [
        new StorageStep.WriteClaimStatus(claim, "Lost", null),
        new StorageStep.TellClaim(claim, "Warning", reason, message),
    ];

    private static IEnumerable<StorageStep> Unbound(PersistentVolumeClaim claim, StorageView view)
    {
        if (claim.Status.Phase != "Pending")
            yield return new StorageStep.WriteClaimStatus(claim, "Pending", null);
        foreach (var step in claim.Spec.VolumeName.Length > 0 ? ToNamed(claim, view) : ToAny(claim, view)) yield return step;
    }

    private static IEnumerable<StorageStep> ToNamed(PersistentVolumeClaim claim, StorageView view)
    {
        // A volume that is not there yet, or is another's, may still come free.
        if (view.Volume(claim.Spec.VolumeName) is not { } volume)
            return [];
        if (volume.Spec.ClaimRef is not null && !volume.IsFor(claim))
            return [new StorageStep.TellClaim(claim, "Warning", "FailedBinding", $"volume \"{volume.Name}\" already bound to a different claim.")];
        if (VolumeMatch.Problem(volume, claim) is { } problem)
            return [new StorageStep.TellClaim(claim, "Warning", "VolumeMismatch", $"Cannot bind to requested volume \"{volume.Name}\": {problem}")];
        return Bind(claim, volume);
    }

    private static IEnumerable<StorageStep> ToAny(PersistentVolumeClaim claim, StorageView view)
    {
        var storageClass = view.Classes.GetValueOrDefault(claim.Class);
        var waits = storageClass is { WaitsForConsumer: true } && !claim.Metadata.Annotations.ContainsKey(StorageNames.SelectedNode);
        // A volume that the scheduler has picked for a waiting claim already names it.
        if (VolumeMatch.Find(claim, waits ? view.Volumes.Where(volume => volume.IsFor(claim)) : view.Volumes) is { } volume)
            return Bind(claim, volume);
        if (waits)
        {
            return view.UsersOf(claim).FirstOrDefault(pod => pod.Spec.NodeName.Length == 0) is { } user
                ? [new StorageStep.TellClaim(claim, "Normal", "WaitForPodScheduled", $"waiting for pod {user.Name} to be scheduled")]
                : [new StorageStep.TellClaim(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")];
        }
        if (claim.Class.Length == 0)
            return [new StorageStep.TellClaim(claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")];
        if (storageClass is null)
            return [new StorageStep.TellClaim(claim, "Warning", "ProvisioningFailed", $"storageclass.storage.k8s.io \"{claim.Class}\" not found")];
        if (storageClass.Provisioner == "kubernetes.io/no-provisioner")
            return [new StorageStep.TellClaim(claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")];
        if (storageClass.Provisioner == StorageNames.LocalDriver)
        {
            return claim.Spec.Selector is null
                ? [new StorageStep.Provision(claim, storageClass)]
                : [new StorageStep.TellClaim(claim, "Warning", "ProvisioningFailed", "failed to provision volume with StorageClass \"" + claim.Class + "\": claim Selector is not supported")];
        }
        var told = new StorageStep.TellClaim(claim, "Normal", "ExternalProvisioning",
            $"Waiting for a volume to be created either by the external provisioner '{storageClass.Provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.");
        return claim.Metadata.Annotations.GetValueOrDefault(StorageNames.Provisioner) == storageClass.Provisioner ? [told] : [new StorageStep.NameProvisioner(claim, storageClass), told];
    }

    /// <summary>The volume first: a crash in between leaves a volume that is kept for this claim, which is found again.</summary>
    private static IEnumerable<StorageStep> Bind(PersistentVolumeClaim claim, PersistentVolume volume) =>
        volume.IsFor(claim) && volume.Spec.ClaimRef!.Uid.Length > 0 ? [new StorageStep.BindClaim(claim, volume)] : [new StorageStep.ReserveVolume(volume, claim)];
}
