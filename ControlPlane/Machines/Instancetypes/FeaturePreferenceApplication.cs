using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>CPU and platform features.</summary>
internal static class FeaturePreferenceApplication
{
    public static Features? Apply(Features? features, FeaturePreferences? preference) => preference is null ? features : (features ?? new Features()) with
    {
        Acpi = features?.Acpi ?? preference.PreferredAcpi,
        Apic = features?.Apic ?? preference.PreferredApic,
        Hyperv = Hyperv(features?.Hyperv, preference.PreferredHyperv),
        Kvm = features?.Kvm ?? preference.PreferredKvm,
        Pvspinlock = features?.Pvspinlock ?? preference.PreferredPvspinlock,
        Smm = features?.Smm ?? preference.PreferredSmm,
    };

    private static FeatureHyperv? Hyperv(FeatureHyperv? own, FeatureHyperv? preferred) => (own, preferred) switch
    {
        (null, _) => preferred,
        (_, null) => own,
        _ => own with
        {
            Evmcs = own.Evmcs ?? preferred.Evmcs,
            Frequencies = own.Frequencies ?? preferred.Frequencies,
            Ipi = own.Ipi ?? preferred.Ipi,
            Reenlightenment = own.Reenlightenment ?? preferred.Reenlightenment,
            Relaxed = own.Relaxed ?? preferred.Relaxed,
            Reset = own.Reset ?? preferred.Reset,
            Runtime = own.Runtime ?? preferred.Runtime,
            Spinlocks = own.Spinlocks ?? preferred.Spinlocks,
            Synic = own.Synic ?? preferred.Synic,
            Synictimer = own.Synictimer ?? preferred.Synictimer,
            Tlbflush = own.Tlbflush ?? preferred.Tlbflush,
            Vapic = own.Vapic ?? preferred.Vapic,
            Vendorid = own.Vendorid ?? preferred.Vendorid,
            Vpindex = own.Vpindex ?? preferred.Vpindex,
        },
    };
}
