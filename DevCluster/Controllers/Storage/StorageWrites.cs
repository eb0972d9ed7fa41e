using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>Carries out the steps of the storage plans. Every write names the version it was decided on, so a stale one is refused.</summary>
internal sealed class StorageWrites(IKubeApi api, VolumeStore volumes, EventRecorder events, TimeProvider time)
{
    public Task DoAsync(StorageStep step, CancellationToken ct) => step switch
    {
        StorageStep.ReserveVolume s => PatchAsync(ResourceKey.PersistentVolumes, s.Volume.Metadata, Reservation(s), null, ct),
        StorageStep.BindClaim s => PatchAsync(ResourceKey.PersistentVolumeClaims, s.Claim.Metadata, Binding(s), null, ct),
        StorageStep.WriteClaimStatus s => PatchAsync(ResourceKey.PersistentVolumeClaims, s.Claim.Metadata, ClaimStatus(s.Phase, s.Volume), "status", ct),
        StorageStep.WriteVolumePhase s => PatchAsync(ResourceKey.PersistentVolumes, s.Volume.Metadata,
            new JsonObject { ["status"] = new JsonObject { ["phase"] = s.Phase, ["message"] = s.Message, ["lastPhaseTransitionTime"] = KubeJson.Time(time.GetUtcNow()) } }, "status", ct),
        StorageStep.NameProvisioner s => PatchAsync(ResourceKey.PersistentVolumeClaims, s.Claim.Metadata, Annotated(ProvisionerNames(s.Class)), null, ct),
        StorageStep.Provision s => ProvisionAsync(s.Claim, s.Class, ct),
        StorageStep.Expand s => ExpandAsync(s.Claim, s.Volume, ct),
        StorageStep.DeleteVolume s => DeleteAsync(s.Volume, ct),
        StorageStep.DropClaimFinalizer s => PatchAsync(ResourceKey.PersistentVolumeClaims, s.Claim.Metadata, Without(s.Claim.Metadata, StorageNames.ClaimProtection), null, ct),
        StorageStep.DropVolumeFinalizer s => PatchAsync(ResourceKey.PersistentVolumes, s.Volume.Metadata, Without(s.Volume.Metadata, StorageNames.VolumeProtection), null, ct),
        StorageStep.TellClaim s => Tell("PersistentVolumeClaim", s.Claim.Metadata, s.Type, s.Reason, s.Message),
        StorageStep.TellVolume s => Tell("PersistentVolume", s.Volume.Metadata, s.Type, s.Reason, s.Message),
        _ => throw new InvalidOperationException($"unknown step {step}"),
    };

    private Task Tell(string kind, ObjectMeta about, string type, string reason, string message)
    {
        events.Record("v1", kind, about, type, reason, message);
        return Task.CompletedTask;
    }

    private Task PatchAsync(ResourceKey resource, ObjectMeta target, JsonObject patch, string? subresource, CancellationToken ct)
    {
        if (patch["metadata"] is not JsonObject metadata)
            patch["metadata"] = metadata = [];
        metadata["uid"] = target.Uid;
        metadata["resourceVersion"] = target.ResourceVersion;
        return api.PatchAsync(resource, target.Namespace.Length > 0 ? target.Namespace : null, target.Name, PatchKind.MergePatch, patch, subresource, ct);
    }

    private static JsonObject Annotated(JsonObject annotations) => new() { ["metadata"] = new JsonObject { ["annotations"] = annotations } };

    private static JsonObject ProvisionerNames(StorageClass storageClass) => new()
    {
        [StorageNames.Provisioner] = storageClass.Provisioner,
        ["volume.beta.kubernetes.io/storage-provisioner"] = storageClass.Provisioner,
    };

    private static JsonObject Without(ObjectMeta metadata, string finalizer) =>
        new() { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray([.. metadata.Finalizers.Where(f => f != finalizer).Select(f => (JsonNode)f)]) } };

    private static JsonObject Reservation(StorageStep.ReserveVolume step)
    {
        // Without the annotation the maker of the volume kept it for this claim himself, and it stays kept when the claim goes.
        var patch = step.Volume.Spec.ClaimRef is null ? Annotated(new JsonObject { [StorageNames.BoundByController] = "yes" }) : [];
        patch["spec"] = new JsonObject { ["claimRef"] = Reference(step.Claim) };
        return patch;
    }

    private static JsonObject Reference(PersistentVolumeClaim claim) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "PersistentVolumeClaim",
        ["namespace"] = claim.Namespace,
        ["name"] = claim.Name,
        ["uid"] = claim.Metadata.Uid,
        ["resourceVersion"] = claim.Metadata.ResourceVersion,
    };

    private static JsonObject Binding(StorageStep.BindClaim step)
    {
        var annotations = new JsonObject { [StorageNames.BindCompleted] = "yes" };
        if (step.Claim.Spec.VolumeName.Length == 0) annotations[StorageNames.BoundByController] = "yes";
        var patch = Annotated(annotations);
        patch["spec"] = new JsonObject { ["volumeName"] = step.Volume.Name };
        return patch;
    }

    private static JsonObject ClaimStatus(string phase, PersistentVolume? volume)
    {
        var status = new JsonObject { ["phase"] = phase };
        if (volume is not null)
        {
            status["accessModes"] = new JsonArray([.. volume.Spec.AccessModes.Select(mode => (JsonNode)mode)]);
            status["capacity"] = new JsonObject { ["storage"] = volume.Capacity.ToBytesText() };
        }
        return new JsonObject { ["status"] = status };
    }

    private async Task ProvisionAsync(PersistentVolumeClaim claim, StorageClass storageClass, CancellationToken ct)
    {
        var name = $"pvc-{claim.Metadata.Uid}";
        await Tell("PersistentVolumeClaim", claim.Metadata, "Normal", "Provisioning", $"External provisioner is provisioning volume for claim \"{claim.Key}\"");
        try
        {
            volumes.Create(name, claim.Spec.VolumeMode == "Block" ? claim.Requested.Units : null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or HostException)
        {
            await Tell("PersistentVolumeClaim", claim.Metadata, "Warning", "ProvisioningFailed", $"failed to provision volume with StorageClass \"{storageClass.Metadata.Name}\": {failure.Message}");
            throw;
        }
        try
        {
            await api.CreateAsync(ResourceKey.PersistentVolumes, null, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = new JsonObject { [StorageNames.ProvisionedBy] = StorageNames.LocalDriver } },
                ["spec"] = new JsonObject
                {
                    ["capacity"] = new JsonObject { ["storage"] = claim.Requested.ToBytesText() },
                    ["accessModes"] = new JsonArray([.. claim.Spec.AccessModes.Select(mode => (JsonNode)mode)]),
                    ["claimRef"] = Reference(claim),
                    ["persistentVolumeReclaimPolicy"] = storageClass.ReclaimPolicy,
                    ["storageClassName"] = storageClass.Metadata.Name,
                    ["volumeMode"] = claim.Spec.VolumeMode,
                    ["csi"] = new JsonObject { ["driver"] = StorageNames.LocalDriver, ["volumeHandle"] = name },
                },
            }, ct);
        }
        catch (ApiException exists) when (exists.Reason == "AlreadyExists")
        {
            return; // made before a restart; binding goes on from it
        }
        await Tell("PersistentVolumeClaim", claim.Metadata, "Normal", "ProvisioningSucceeded", $"Successfully provisioned volume {name}");
    }

    private async Task ExpandAsync(PersistentVolumeClaim claim, PersistentVolume volume, CancellationToken ct)
    {
        var size = claim.Requested.ToBytesText();
        await Tell("PersistentVolumeClaim", claim.Metadata, "Normal", "Resizing", $"External resizer is resizing volume {volume.Name}");
        var resizing = await api.PatchAsync(ResourceKey.PersistentVolumeClaims, claim.Namespace, claim.Name, PatchKind.MergePatch, new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = claim.Metadata.Uid },
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Resizing", ["status"] = "True", ["lastTransitionTime"] = KubeJson.Time(time.GetUtcNow()) }),
            },
        }, "status", ct);
        if (volume.Spec.VolumeMode == "Block") await volumes.GrowAsync(volume.Spec.Csi!.VolumeHandle, claim.Requested.Units, ct);
        await api.PatchAsync(ResourceKey.PersistentVolumes, null, volume.Name, PatchKind.MergePatch, new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = volume.Metadata.Uid },
            ["spec"] = new JsonObject { ["capacity"] = new JsonObject { ["storage"] = size } },
        }, ct: ct);
        await api.PatchAsync(ResourceKey.PersistentVolumeClaims, claim.Namespace, claim.Name, PatchKind.MergePatch, new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = resizing["metadata"]!["uid"]!.DeepClone() },
            ["status"] = new JsonObject { ["capacity"] = new JsonObject { ["storage"] = size }, ["conditions"] = null },
        }, "status", ct);
        await Tell("PersistentVolumeClaim", claim.Metadata, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded");
    }

    private async Task DeleteAsync(PersistentVolume volume, CancellationToken ct)
    {
        await volumes.DeleteAsync(volume.Spec.Csi!.VolumeHandle, ct);
        await api.DeleteAsync(ResourceKey.PersistentVolumes, null, volume.Name,
            new JsonObject { ["preconditions"] = new JsonObject { ["uid"] = volume.Metadata.Uid } }, ct);
    }
}
