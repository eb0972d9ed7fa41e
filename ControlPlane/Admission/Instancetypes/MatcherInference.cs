using System.Text.Json;
using Troupe.ControlPlane.Admission.Machines;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>Instancetype and preference of a machine whose volume (its claim, DataVolume or DataSource) says in labels which suit it.</summary>
internal sealed class MatcherInference(IClusterObjects objects)
{
    private const string Prefix = "instancetype.kubevirt.io/default-";

    /// <exception cref="AdmissionException">Nothing can be inferred, and that is not to be ignored.</exception>
    public async Task<VirtualMachine> InferAsync(VirtualMachine vm, CancellationToken ct)
    {
        if (vm.Spec?.Instancetype is { InferFromVolume: { Length: > 0 } volume } instancetype)
        {
            var isIgnored = instancetype.InferFromVolumeFailurePolicy == "Ignore";
            var inferred = await FromVolumeAsync(vm, volume, "instancetype", isIgnored, ct);
            vm = vm with { Spec = vm.Spec with { Instancetype = inferred is { } i ? new InstancetypeMatcher { Name = i.Name, Kind = i.Kind } : null } };
            // The template's memory was there in case that nothing could be inferred.
            if (inferred is not null && isIgnored && vm.Spec.Template?.Spec?.Domain is { } domain)
                vm = vm with { Spec = vm.Spec with { Template = vm.Spec.Template with { Spec = vm.Spec.Template.Spec with { Domain = domain with { Memory = null } } } } };
        }

        if (vm.Spec?.Preference is { InferFromVolume: { Length: > 0 } from } preference)
        {
            var inferred = await FromVolumeAsync(vm, from, "preference", preference.InferFromVolumeFailurePolicy == "Ignore", ct);
            vm = vm with { Spec = vm.Spec with { Preference = inferred is { } p ? new PreferenceMatcher { Name = p.Name, Kind = p.Kind } : null } };
        }

        return vm;
    }

    private async Task<Inferred?> FromVolumeAsync(VirtualMachine vm, string name, string what, bool ignoreFailure, CancellationToken ct)
    {
        var ns = vm.Metadata.Namespace!;
        var volume = vm.Spec?.Template?.Spec?.Volumes?.FirstOrDefault(v => v.Name == name) ?? throw new AdmissionException($"unable to find volume {name} to infer defaults");
        try
        {
            if (volume.PersistentVolumeClaim?.ClaimName is { } claim)
                return FromLabels(await ClaimLabelsAsync(ns, claim, ct), what);
            return volume.DataVolume?.Name is { } dataVolume
                ? await FromDataVolumeAsync(vm, ns, dataVolume, what, ct)
                : throw new NotInferrableException($"unable to infer defaults from volume {name} as type is not supported");
        }
        catch (NotInferrableException e)
        {
            return ignoreFailure ? null : throw new AdmissionException(e.Message);
        }
    }

    private async Task<Inferred> FromDataVolumeAsync(VirtualMachine vm, string ns, string name, string what, CancellationToken ct)
    {
        if (vm.Spec?.DataVolumeTemplates?.FirstOrDefault(t => t.Metadata?.Name == name)?.Spec is { } template)
            return await FromContentAsync(template, ns, what, ct);
        // A DataVolume that is done may have been collected; its claim keeps its name.
        if (await objects.FindAsync<DataVolume>(ns, name, ct) is not { } dataVolume)
            return FromLabels(await ClaimLabelsAsync(ns, name, ct), what);
        return Find(dataVolume.Metadata.Labels, what) ?? await FromContentAsync(dataVolume.Spec ?? new DataVolumeSpec(), ns, what, ct);
    }

    private async Task<Inferred> FromContentAsync(DataVolumeSpec spec, string ns, string what, CancellationToken ct)
    {
        if (spec.Source?.Pvc is { Name: { } claim } pvc)
            return FromLabels(await ClaimLabelsAsync(pvc.Namespace ?? ns, claim, ct), what);
        if (spec.Source?.Snapshot is { Name: { } snapshot } source)
            return FromLabels(await SnapshotLabelsAsync(source.Namespace ?? ns, snapshot, ct), what);
        return spec.SourceRef switch
        {
            { Kind: "DataSource", Name: { } name } reference => await FromDataSourceAsync(reference.Namespace ?? ns, name, what, ct),
            { Kind: var kind } => throw new NotInferrableException($"unable to infer defaults from DataVolumeSourceRef as Kind {kind} is not supported"),
            null => throw new NotInferrableException("unable to infer defaults from DataVolumeSpec as DataVolumeSource is not supported"),
        };
    }

    private async Task<Inferred> FromDataSourceAsync(string ns, string name, string what, CancellationToken ct)
    {
        var dataSource = await DataSources.FindAsync(objects, ns, name, ct) ?? throw NotFound("datasources.cdi.kubevirt.io", name);
        if (Find(DataSources.Labels(dataSource), what) is { } own)
            return own;
        if (DataSources.Source(dataSource, "pvc") is { } claim)
            return FromLabels(await ClaimLabelsAsync(claim.Namespace, claim.Name, ct), what);
        return DataSources.Source(dataSource, "snapshot") is { } snapshot
            ? FromLabels(await SnapshotLabelsAsync(snapshot.Namespace, snapshot.Name, ct), what)
            : throw new NotInferrableException("unable to infer defaults from DataSource that doesn't provide DataVolumeSourcePVC or DataVolumeSourceSnapshot");
    }

    private async Task<IReadOnlyDictionary<string, string>?> ClaimLabelsAsync(string ns, string name, CancellationToken ct) =>
        (await objects.FindAsync<PersistentVolumeClaim>(ns, name, ct) ?? throw NotFound("persistentvolumeclaims", name)).Metadata.Labels;

    private async Task<IReadOnlyDictionary<string, string>?> SnapshotLabelsAsync(string ns, string name, CancellationToken ct) =>
        await objects.FindRawAsync($"apis/snapshot.storage.k8s.io/v1/namespaces/{ns}/volumesnapshots/{name}", ct) is JsonElement snapshot
            ? DataSources.Labels(snapshot)
            : throw NotFound("volumesnapshots.snapshot.storage.k8s.io", name);

    private static Inferred FromLabels(IReadOnlyDictionary<string, string>? labels, string what) =>
        Find(labels, what) ?? throw new NotInferrableException($"unable to find required {Prefix}{what} label on the volume");

    private static Inferred? Find(IReadOnlyDictionary<string, string>? labels, string what) =>
        labels?.GetValueOrDefault($"{Prefix}{what}") is { } name ? new Inferred(name, labels.GetValueOrDefault($"{Prefix}{what}-kind")) : null;

    private static AdmissionException NotFound(string resource, string name) => new($"{resource} \"{name}\" not found");

    private sealed record Inferred(string Name, string? Kind);

    /// <summary>The volume has nothing to infer from: what the failure policy is about.</summary>
    private sealed class NotInferrableException(string message) : Exception(message);
}
