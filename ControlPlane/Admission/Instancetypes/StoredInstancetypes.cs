using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>
/// Preferences by the name that the machine gives. A machine is admitted by its own spec: what its instancetype adds is merged, and
/// conflicts with it are told, when its VMI is made.
/// </summary>
public sealed class StoredInstancetypes : IInstancetypes
{
    private const string Namespaced = "virtualmachinepreference";

    public async Task<VirtualMachinePreferenceSpec?> FindPreferenceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct)
    {
        if (vm.Spec?.Preference is not { Name: { Length: > 0 } name } preference)
            return null;
        // Resource names are taken for kinds, as KubeVirt does.
        return preference.Kind is { } kind && kind.TrimEnd('s').Equals(Namespaced, StringComparison.OrdinalIgnoreCase)
            ? (await objects.FindAsync<VirtualMachinePreference>(vm.Metadata.Namespace, name, ct))?.Spec
            : (await objects.FindAsync<VirtualMachineClusterPreference>(null, name, ct))?.Spec;
    }

    public Task<AppliedInstancetype> ApplyAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct) => Task.FromResult(AppliedInstancetype.Unchanged(vm));
}
