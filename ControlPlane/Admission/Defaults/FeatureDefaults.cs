using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>A feature that is mentioned is on, and Hyper-V features bring what they need.</summary>
internal static class FeatureDefaults
{
    private const long SpinlockRetries = 4096;

    /// <summary>Leaves first, so that what one of them switches on asks for its own requirement in turn.</summary>
    private static readonly (Func<FeatureHyperv, bool> IsOn, Func<FeatureHyperv, FeatureState?> Need, Func<FeatureHyperv, FeatureState, FeatureHyperv> With)[] Requirements =
    [
        (h => h.Evmcs is { Enabled: true }, h => h.Vapic, (h, s) => h with { Vapic = s }),
        (h => h.Ipi is { Enabled: true }, h => h.Vpindex, (h, s) => h with { Vpindex = s }),
        (h => h.Tlbflush is { Enabled: true }, h => h.Vpindex, (h, s) => h with { Vpindex = s }),
        (h => h.Synictimer is { Enabled: true }, h => h.Synic, (h, s) => h with { Synic = s }),
        (h => h.Synic is { Enabled: true }, h => h.Vpindex, (h, s) => h with { Vpindex = s }),
    ];

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

    /// <summary>
    /// Only what was left open is switched on. At the first requirement that somebody switched off it ends, with whatever was done until
    /// then, and the rules refuse the guest later.
    /// </summary>
    private static FeatureHyperv WithRequirements(FeatureHyperv h)
    {
        foreach (var (isOn, need, with) in Requirements)
        {
            if (!isOn(h))
                continue;
            if (need(h) is { Enabled: false })
                break;
            h = with(h, Required(need(h)));
        }

        return h;
    }

    private static bool AreRequirementsMet(FeatureHyperv h) => Requirements.All(r => !r.IsOn(h) || r.Need(h) is { Enabled: true });

    private static FeatureState Required(FeatureState? state) => (state ?? new FeatureState()) with { Enabled = state?.Enabled ?? true };

    /// <summary>The enlightened VMCS is of use to a guest that has VMX.</summary>
    public static CPU WithVmx(CPU cpu, Features features)
    {
        if (features.Hyperv is not { } hyperv || !hyperv.Evmcs.IsOn() || !AreRequirementsMet(hyperv))
            return cpu;
        var own = cpu.Features ?? [];
        var at = own.Index().Where(f => f.Item.Name == HypervRules.VmxFeature).Select(f => f.Index).FirstOrDefault(-1);
        return cpu with
        {
            Features = at < 0
                ? [.. own, new CPUFeature { Name = HypervRules.VmxFeature, Policy = HypervRules.RequirePolicy }]
                : [.. own.Index().Select(f => f.Index == at ? f.Item with { Policy = HypervRules.RequirePolicy } : f.Item)],
        };
    }
}
