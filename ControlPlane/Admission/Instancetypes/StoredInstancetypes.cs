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

    public Task<VirtualMachinePreferenceSpec?> FindPreferenceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct) =>
        FindAsync(new InstancetypeReader(objects).PreferenceAsync(vm, ct));

    public async Task<AppliedInstancetype> ApplyAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct)
    {
        var reader = new InstancetypeReader(objects);
        var (instancetype, preference) = (await FindAsync(reader.InstancetypeAsync(vm, ct)), await FindAsync(reader.PreferenceAsync(vm, ct)));
        if (instancetype is null && preference is null)
            return AppliedInstancetype.Unchanged(vm);
        if (CpuTopology.SpreadProblem(instancetype, preference) is { } uneven)
            return Refused(vm, Cause.Invalid(new FieldPath("instancetype.spec.cpu.guest"), uneven));
        var template = vm.Spec!.Template ?? new VirtualMachineInstanceTemplateSpec();
        var (spec, conflicts) = InstancetypeApplication.Apply(template.Spec ?? new VirtualMachineInstanceSpec(), instancetype, preference);
        List<string> fields = [.. conflicts.Select(c => $"{Template}.{c}"), .. InstancetypeConflicts.Of(template.Metadata, instancetype)];
        if (fields.Count > 0)
            return Refused(vm, [.. fields.Select(f => Cause.Invalid(new FieldPath(f), InstancetypeConflicts.Message(f)))]);
        var applied = vm.Spec.Template is null ? vm : vm with { Spec = vm.Spec with { Template = template with { Spec = spec } } };
        return new(applied, [], s => PreferenceRequirementsCheck.Problem(s ?? spec, instancetype, preference) is var (path, message)
            ? Cause.NotFound(new FieldPath($"spec.{path}"), $"failure checking preference requirements: {message}")
            : null);
    }

    /// <summary>
    /// Null too when what is named does not exist: machines may be made before their instance types, in whatever order a tool applies a
    /// folder. The machine says so in its conditions and starts once all is there.
    /// </summary>
    private static async Task<TSpec?> FindAsync<TSpec>(Task<UsedObject<TSpec>?> search) where TSpec : class
    {
        try
        {
            return (await search)?.Spec;
        }
        catch (InstancetypeMissingException)
        {
            return null;
        }
    }

    private static AppliedInstancetype Refused(VirtualMachine vm, params IReadOnlyList<StatusCause> causes) => new(vm, causes, _ => null);
}
