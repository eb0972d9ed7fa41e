using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// What must hold before a pod is made for a VMI. The messages name the field as KubeVirt's admission does; a spec that only the
/// launcher can judge is refused there and fails the VMI in the same way.
/// </summary>
public static class VmiValidation
{
    /// <summary>The first problem in words, or null.</summary>
    public static string? Problem(VirtualMachineInstance vmi)
    {
        if (vmi.Spec?.Domain is not { } domain)
            return "spec.domain: a domain is required";
        var names = (vmi.Spec.Volumes ?? []).Select(v => v.Name).ToHashSet();
        var disks = domain.Devices?.Disks ?? [];
        for (var i = 0; i < disks.Count; i++)
        {
            if (!names.Contains(disks[i].Name))
                return $"spec.domain.devices.disks[{i}].name: spec.domain.devices.disks[{i}].Name '{disks[i].Name}' not found.";
        }

        var networks = (vmi.Spec.Networks ?? []).Select(n => n.Name).ToHashSet();
        var interfaces = domain.Devices?.Interfaces ?? [];
        for (var i = 0; i < interfaces.Count; i++)
        {
            if (!networks.Contains(interfaces[i].Name))
                return $"spec.domain.devices.interfaces[{i}].name: spec.domain.devices.interfaces[{i}].name '{interfaces[i].Name}' not found.";
        }

        if (vmi.Spec.TerminationGracePeriodSeconds < 0)
            return $"spec.terminationGracePeriodSeconds: must be greater than or equal to zero, got {vmi.Spec.TerminationGracePeriodSeconds}";
        return BadQuantity("spec.domain.memory.guest", domain.Memory?.Guest)
            ?? BadQuantity("spec.domain.resources.requests.memory", Entry(domain.Resources?.Requests))
            ?? BadQuantity("spec.domain.resources.limits.memory", Entry(domain.Resources?.Limits));
    }

    private static Quantity? Entry(IReadOnlyDictionary<string, Quantity>? list) =>
        list is not null && list.TryGetValue("memory", out var memory) ? memory : null;

    private static string? BadQuantity(string field, Quantity? quantity) => quantity switch
    {
        null => null,
        { } q when !Quantity.TryParse(q.Text, out _) => $"{field}: '{q.Text}' is not a quantity",
        { Value: <= 0 } q => $"{field}: '{q.Text}' must be greater than zero",
        _ => null,
    };
}
