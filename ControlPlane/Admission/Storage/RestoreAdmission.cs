using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Snapshot;

namespace Troupe.ControlPlane.Admission.Storage;

/// <summary>VirtualMachineRestores.</summary>
internal static class RestoreAdmission
{
    private static readonly FieldPath Target = FieldPath.Spec["target"];

    public static async Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        if (call.IsCreate && !call.Config.IsEnabled(FeatureGates.Snapshot))
            return Verdict.Error("Snapshot/Restore feature gate not enabled");
        var (restore, refusal) = call.Read<VirtualMachineRestore>(hasSchema: false);
        if (restore is null)
            return refusal!;
        var spec = restore.Spec ?? new VirtualMachineRestoreSpec();
        if (!call.IsCreate)
            return Verdict.Of(SnapshotAdmission.Immutable(call.ReadOld<VirtualMachineRestore>()?.Spec, restore.Spec));
        var causes = SnapshotAdmission.Machine(Target, spec.Target).ToList();
        if (causes.Count == 0)
        {
            var (machine, error) = await MachineAsync(call, restore.Metadata.Namespace, spec, ct);
            if (error is not null)
                return error;
            causes = [.. machine, .. Overrides(spec), .. Policies(spec)];
        }

        var others = await call.Objects.ListAsync<VirtualMachineRestore>(restore.Metadata.Namespace, ct);
        causes.AddRange(others.Where(o => o.Status?.Complete is not true && ApiEquality.Same(o.Spec?.Target, spec.Target))
            .Select(o => Cause.Invalid(Target, $"VirtualMachineRestore \"{o.Metadata.Name}\" in progress")));
        return Verdict.Of(causes);
    }

    /// <summary>A snapshot that does not exist yet is waited for, so nothing about it is checked.</summary>
    private static async Task<(IEnumerable<StatusCause> Causes, Verdict? Error)> MachineAsync(AdmissionCall call, string? ns, VirtualMachineRestoreSpec spec, CancellationToken ct)
    {
        if (await call.Objects.FindAsync<VirtualMachineSnapshot>(ns, spec.VirtualMachineSnapshotName ?? "", ct) is not { } snapshot)
            return ([], null);
        var patches = Patches(spec.Patches ?? []);
        var target = await call.Objects.FindAsync<VirtualMachine>(ns, spec.Target?.Name ?? "", ct);
        if (target is not null && (snapshot.Status?.SourceUID is null || snapshot.Status.SourceUID == target.Metadata.Uid))
            return (patches, null);
        if (snapshot.Status?.VirtualMachineSnapshotContentName is not { } contentName)
            return ([], Verdict.Error("snapshot content name is nil in vmSnapshot status"));
        var content = await call.Objects.FindAsync<VirtualMachineSnapshotContent>(ns, contentName, ct);
        if (content is null)
            return ([], Verdict.Error($"virtualmachinesnapshotcontents.snapshot.kubevirt.io \"{contentName}\" not found"));
        if (content.Spec?.Source?.VirtualMachine is not { } machine)
            return ([], Verdict.Error("unexpected snapshot source"));
        var domain = machine.Spec?.Template?.Spec?.Domain;
        return domain?.Devices?.Tpm is { Persistent: true, Enabled: not false } || domain?.Firmware?.Bootloader?.Efi?.Persistent is true
            ? ([.. patches, Cause.Invalid(FieldPath.Spec, "Restore to a different VM is not supported when snapshotted VM has backend storage (persistent TPM or EFI)")], null)
            : (patches, null);
    }

    /// <summary>Patches may touch the spec, labels and annotations, and nothing that says who the machine is.</summary>
    private static IEnumerable<StatusCause> Patches(IReadOnlyList<string> patches)
    {
        var field = FieldPath.Spec["patches"];
        foreach (var entry in patches.SelectMany(p => p.Trim('{', '}').Split(',')))
        {
            if (entry.Split(':') is not [var key, var value])
                yield return Cause.Invalid(field, $"patch format is not valid - one \":\" expected in a single key-value json patch: {entry}");
            else if (key.Trim() == "\"path\"" && value.Trim() is var path && !path.StartsWith("\"/metadata/labels/", StringComparison.Ordinal)
                && !path.StartsWith("\"/metadata/annotations/", StringComparison.Ordinal) && !path.StartsWith("\"/spec/", StringComparison.Ordinal))
            {
                yield return Cause.Invalid(field, $"patching is valid only for elements under /spec/ only: {entry}");
            }
        }
    }

    private static IEnumerable<StatusCause> Overrides(VirtualMachineRestoreSpec spec)
    {
        foreach (var (index, volume) in (spec.VolumeRestoreOverrides ?? []).Index())
        {
            var field = FieldPath.Spec["volumeRestoreOverrides"][index];
            if (volume.VolumeName is null or "")
                yield return Cause.Required(field["volumeName"], "must provide a volume name");
            if (volume is { RestoreName: null or "", Annotations: null, Labels: null })
                yield return Cause.Required(field, "must provide at least one overriden field");
        }
    }

    private static IEnumerable<StatusCause> Policies(VirtualMachineRestoreSpec spec)
    {
        if (spec.VolumeRestorePolicy is not (null or "InPlace" or "RandomizeNames" or "PrefixTargetName"))
            yield return Cause.Invalid(FieldPath.Spec["volumeRestorePolicy"], $"volume restore policy \"{spec.VolumeRestorePolicy}\" doesn't exist");
        if (spec.VolumeOwnershipPolicy is not (null or "Vm" or "None"))
            yield return Cause.Invalid(FieldPath.Spec["volumeOwnershipPolicy"], $"volume ownership policy \"{spec.VolumeOwnershipPolicy}\" doesn't exist");
    }
}
