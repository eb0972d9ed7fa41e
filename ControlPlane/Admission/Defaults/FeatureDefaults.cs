using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>A feature that is mentioned is on, and Hyper-V features bring what they need.</summary>
internal static class FeatureDefaults
{
    private const long SpinlockRetries = 4096;

    public static Features Apply(Features? features, string? architecture)
    {
        features ??= new Features();
        // s390x guests do not boot with ACPI.
        var acpi = features.Acpi is { Enabled: not null } said ? said : new FeatureState { Enabled = architecture != "s390x" };
        return features with
        {
            Acpi = acpi,
            Apic = features.Apic is { } apic ? apic with { Enabled = apic.Enabled ?? true } : null,
            Smm = On(features.Smm),
            Pvspinlock = On(features.Pvspinlock),
            Hyperv = features.Hyperv is { } hyperv ? WithRequirements(Hyperv(hyperv)) : null,
        };
    }

    public static FeatureState? On(FeatureState? state) => state is { Enabled: null } ? state with { Enabled = true } : state;

    private static FeatureHyperv Hyperv(FeatureHyperv h) => h with
    {
        Relaxed = On(h.Relaxed),
        Vapic = On(h.Vapic),
        Spinlocks = h.Spinlocks is { } s ? s with { Enabled = s.Enabled ?? true, Spinlocks = s.Spinlocks ?? (s.Enabled is false ? null : SpinlockRetries) } : null,
        Vpindex = On(h.Vpindex),
        Runtime = On(h.Runtime),
        Synic = On(h.Synic),
        Synictimer = h.Synictimer is { } t ? t with { Enabled = t.Enabled ?? true, Direct = On(t.Direct) } : null,
        Reset = On(h.Reset),
        Vendorid = h.Vendorid is { } v ? v with { Enabled = v.Enabled ?? true } : null,
        Frequencies = On(h.Frequencies),
        Reenlightenment = On(h.Reenlightenment),
        Tlbflush = h.Tlbflush is { } f ? f with { Enabled = f.Enabled ?? true, Direct = On(f.Direct), Extended = On(f.Extended) } : null,
        Ipi = On(h.Ipi),
        Evmcs = On(h.Evmcs),
    };

    /// <summary>Only what was left open is switched on; what was switched off stays, and is refused later.</summary>
    private static FeatureHyperv WithRequirements(FeatureHyperv h)
    {
        if (h.Evmcs is { Enabled: true })
            h = h with { Vapic = Required(h.Vapic) };
        if (h.Synictimer is { Enabled: true })
            h = h with { Synic = Required(h.Synic) };
        if (h.Ipi is { Enabled: true } || h.Tlbflush is { Enabled: true } || h.Synic is { Enabled: true })
            h = h with { Vpindex = Required(h.Vpindex) };
        return h;
    }

    private static FeatureState Required(FeatureState? state) => (state ?? new FeatureState()) with { Enabled = state?.Enabled ?? true };

    /// <summary>The enlightened VMCS is of use to a guest that has VMX.</summary>
    public static CPU WithVmx(CPU cpu, Features features)
    {
        if (features.Hyperv?.Evmcs.IsOn() is not true)
            return cpu;
        var own = cpu.Features ?? [];
        return cpu with
        {
            Features = own.Any(f => f.Name == HypervRules.VmxFeature)
                ? [.. own.Select(f => f.Name == HypervRules.VmxFeature ? f with { Policy = HypervRules.RequirePolicy } : f)]
                : [.. own, new CPUFeature { Name = HypervRules.VmxFeature, Policy = HypervRules.RequirePolicy }],
        };
    }
}
