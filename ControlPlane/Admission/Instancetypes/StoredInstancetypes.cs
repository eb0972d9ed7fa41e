using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>Instance types and preferences as the cluster has them, or as the machine's revisions keep them.</summary>
public sealed class StoredInstancetypes : IInstancetypes
{
    private static readonly FieldPath Template = FieldPath.Spec.At("template", "spec");

    public async Task<VirtualMachinePreferenceSpec?> FindPreferenceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct)
    {
        try
        {
            return (await new InstancetypeReader(objects).PreferenceAsync(vm, ct))?.Spec;
        }
        catch (InstancetypeMissingException)
        {
            // Validation, which comes after, says so.
            return null;
        }
    }

    public async Task<AppliedInstancetype> ApplyAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct)
    {
        var reader = new InstancetypeReader(objects);
        var (instancetype, missing) = await FindAsync(reader.InstancetypeAsync(vm, ct), "instancetype");
        if (missing is not null)
            return Refused(vm, missing);
        (var preference, missing) = await FindAsync(reader.PreferenceAsync(vm, ct), "preference");
        if (missing is not null)
            return Refused(vm, missing);
        if (instancetype is null && preference is null)
            return AppliedInstancetype.Unchanged(vm);
        if (CpuTopology.SpreadProblem(instancetype, preference) is { } uneven)
            return Refused(vm, Cause.Invalid(new FieldPath("instancetype.spec.cpu.guest"), uneven));
        var template = vm.Spec!.Template ?? new VirtualMachineInstanceTemplateSpec();
        var (spec, conflicts) = InstancetypeApplication.Apply(template.Spec ?? new VirtualMachineInstanceSpec(), instancetype, preference);
        if (conflicts.Count > 0)
            return Refused(vm, [.. conflicts.Select(c => Cause.Invalid(new FieldPath($"{Template}.{c}"), InstancetypeConflicts.Message($"{Template}.{c}")))]);
        var applied = vm.Spec.Template is null ? vm : vm with { Spec = vm.Spec with { Template = template with { Spec = spec } } };
        return new(applied, [], s => PreferenceRequirementsCheck.Problem(s ?? spec, instancetype, preference) is var (path, message)
            ? Cause.NotFound(new FieldPath($"spec.{path}"), $"failure checking preference requirements: {message}")
            : null);
    }

    private static async Task<(TSpec? Spec, StatusCause? Missing)> FindAsync<TSpec>(Task<UsedObject<TSpec>?> search, string what) where TSpec : class
    {
        try
        {
            return ((await search)?.Spec, null);
        }
        catch (InstancetypeMissingException e)
        {
            return (null, Cause.NotFound(FieldPath.Spec[what], $"Failure to find {what}: {e.Message}"));
        }
    }

    private static AppliedInstancetype Refused(VirtualMachine vm, params IReadOnlyList<StatusCause> causes) => new(vm, causes, _ => null);
}
