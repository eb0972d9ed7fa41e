using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>What a machine's state forbids for the moment: a snapshot or restore in progress, and volume requests that can't be met.</summary>
internal static class MachineStateRules
{
    private static readonly FieldPath Requests = new("Status.volumeRequests");

    public static IEnumerable<StatusCause> SnapshotAndRestore(VirtualMachine? old, VirtualMachine vm)
    {
        if (old is null)
            return [];
        if (vm.Status?.SnapshotInProgress is { } snapshot)
        {
            if (!ApiEquality.Same(old.Spec?.Template?.Spec?.Volumes, vm.Spec?.Template?.Spec?.Volumes))
                return [Cause.NotSupported(FieldPath.Spec, $"Cannot update vm disks or volumes until snapshot \"{snapshot}\" completes")];
            if (!SameRunningState(old.Spec, vm.Spec))
                return [Cause.NotSupported(FieldPath.Spec, $"Cannot update vm running state until snapshot \"{snapshot}\" completes")];
        }

        return vm.Status?.RestoreInProgress is { } restore && Strategy(old.Spec) != Strategy(vm.Spec)
            ? [Cause.NotSupported(FieldPath.Spec, $"Cannot update VM runStrategy until restore \"{restore}\" completes")]
            : [];
    }

    /// <param name="running">The machine's VMI while the machine is ready and the VMI stays; null otherwise.</param>
    public static IEnumerable<StatusCause> VolumeRequests(VirtualMachine vm, VirtualMachineInstance? running, ClusterConfig config)
    {
        if (vm.Status?.VolumeRequests is not { Count: > 0 } requests)
            return [];
        var template = vm.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec();
        if (requests.Index().Select(r => Problem(r.Item, requests.Take(r.Index), template, running)).FirstOrDefault(p => p is not null) is { } problem)
            return [problem];
        var field = FieldPath.Spec.At("template", "spec");
        var causes = InstanceRules.Spec(field, requests.Aggregate(template, With), config).ToList();
        if (causes.Count > 0 || running is null)
            return causes;
        causes = [.. InstanceRules.Spec(field, requests.Aggregate(running.Spec ?? new VirtualMachineInstanceSpec(), With), config)];
        if (causes.Count > 0)
            return causes;
        return running.Status?.MigrationState is { StartTimestamp: not null, EndTimestamp: null }
            ? [Cause.NotSupported(FieldPath.Spec, "Cannot handle volume requests while VMI migration is in progress")]
            : [];
    }

    private static StatusCause? Problem(
        VirtualMachineVolumeRequest request, IEnumerable<VirtualMachineVolumeRequest> earlier, VirtualMachineInstanceSpec template, VirtualMachineInstance? running)
    {
        switch (request)
        {
            case { AddVolumeOptions: not null, RemoveVolumeOptions: not null }:
                return Cause.Invalid(Requests, "VolumeRequests require either addVolumeOptions or removeVolumeOptions to be set, not both");
            case { AddVolumeOptions: { } add }:
                if (earlier.Any(r => r.AddVolumeOptions?.Name == add.Name))
                    return Cause.Invalid(Requests, $"AddVolume request for [{add.Name}] aleady exists");
                if (HotplugRules.Disk(add.Disk, add.Name.OrEmpty(), "AddVolume request", Requests).FirstOrDefault() is { } disk)
                    return disk;
                var volume = VolumeOf(add);
                if (template.Volumes?.LastOrDefault(v => v.Name == add.Name) is { } inTemplate && !ApiEquality.Same(inTemplate, volume))
                    return Cause.Invalid(Requests, $"AddVolume request for [{add.Name}] conflicts with an existing volume of the same name on the vmi template.");
                return running?.Spec?.Volumes?.LastOrDefault(v => v.Name == add.Name) is { } inGuest && !ApiEquality.Same(inGuest, volume)
                    ? Cause.Invalid(Requests, $"AddVolume request for [{add.Name}] conflicts with an existing volume of the same name on currently running vmi")
                    : null;
            case { RemoveVolumeOptions: { } remove }:
                return earlier.Any(r => r.RemoveVolumeOptions?.Name == remove.Name) ? Cause.Invalid(Requests, $"RemoveVolume request for [{remove.Name}] aleady exists") : null;
            default:
                return Cause.Invalid(Requests, "VolumeRequests require one of either addVolumeOptions or removeVolumeOptions to be set");
        }
    }

    private static VirtualMachineInstanceSpec With(VirtualMachineInstanceSpec spec, VirtualMachineVolumeRequest request)
    {
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        var name = request.AddVolumeOptions?.Name ?? request.RemoveVolumeOptions?.Name;
        if (request.AddVolumeOptions is not null && spec.Volumes?.Any(v => v.Name == name) is true)
            return spec;
        var (volumes, disks) = ((spec.Volumes ?? []).Where(v => v.Name != name), (devices.Disks ?? []).Where(d => d.Name != name));
        return spec with
        {
            Volumes = request.AddVolumeOptions is { } add ? [.. volumes, VolumeOf(add)] : [.. volumes],
            Domain = domain with
            {
                Devices = devices with { Disks = request.AddVolumeOptions?.Disk is { } disk ? [.. disks, disk with { Name = name }] : [.. disks] },
            },
        };
    }

    private static Volume VolumeOf(AddVolumeOptions add) => add.VolumeSource?.PersistentVolumeClaim is { } claim
        ? new Volume { Name = add.Name, PersistentVolumeClaim = claim }
        : new Volume { Name = add.Name, DataVolume = add.VolumeSource?.DataVolume };

    private static bool SameRunningState(VirtualMachineSpec? old, VirtualMachineSpec? spec) => (old, spec) switch
    {
        ({ Running: { } before }, { Running: { } after }) => before == after,
        ({ RunStrategy: { } before }, { RunStrategy: { } after }) => before == after,
        _ => false,
    };

    private static string? Strategy(VirtualMachineSpec? spec) => spec?.RunStrategy ?? spec?.Running switch { true => "Always", false => "Halted", null => null };
}
