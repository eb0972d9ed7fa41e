using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>How a machine's instancetype and preference size and shape it.</summary>
public interface IInstancetypes
{
    /// <summary>Null when the machine names none or it does not exist.</summary>
    Task<VirtualMachinePreferenceSpec?> FindPreferenceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct);

    /// <summary>The machine as its VMI will be made.</summary>
    Task<AppliedInstancetype> ApplyAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct);
}

/// <param name="Conflicts">Why nothing can be applied: fields that both the machine and its instancetype set, vCPUs that can't be spread as wanted.</param>
/// <param name="RequirementProblem">What a preference asks for and the spec, with its defaults, does not have.</param>
public sealed record AppliedInstancetype(VirtualMachine Machine, IReadOnlyList<StatusCause> Conflicts, Func<VirtualMachineInstanceSpec?, StatusCause?> RequirementProblem)
{
    public static AppliedInstancetype Unchanged(VirtualMachine vm) => new(vm, [], _ => null);
}
