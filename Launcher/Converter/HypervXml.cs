using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>What makes Windows feel at home.</summary>
internal static class HypervXml
{
    private const int DefaultSpinlockRetries = 4096;

    public static XElement? Hyperv(Features features)
    {
        if (features.Hyperv is not { } hyperv)
            return features.HypervPassthrough is { Enabled: not false } ? new XElement("hyperv", new XAttribute("mode", "passthrough")) : null;
        return new XElement("hyperv",
            Simple("relaxed", hyperv.Relaxed),
            Simple("vapic", hyperv.Vapic),
            hyperv.Spinlocks is { } spinlocks
                ? new XElement("spinlocks", State(spinlocks.Enabled), (spinlocks.Spinlocks ?? (spinlocks.Enabled is false ? default(long?) : DefaultSpinlockRetries)) is { } retries ? new XAttribute("retries", retries) : null)
                : null,
            Simple("vpindex", hyperv.Vpindex),
            Simple("runtime", hyperv.Runtime),
            Simple("synic", hyperv.Synic),
            hyperv.Synictimer is { } timer ? new XElement("stimer", State(timer.Enabled), Simple("direct", timer.Direct)) : null,
            Simple("reset", hyperv.Reset),
            hyperv.Vendorid is { } vendor ? new XElement("vendor_id", State(vendor.Enabled), vendor.Vendorid is { Length: > 0 } id ? new XAttribute("value", id) : null) : null,
            Simple("frequencies", hyperv.Frequencies),
            Simple("reenlightenment", hyperv.Reenlightenment),
            hyperv.Tlbflush is { } flush ? new XElement("tlbflush", State(flush.Enabled), Simple("direct", flush.Direct), Simple("extended", flush.Extended)) : null,
            Simple("ipi", hyperv.Ipi),
            Simple("evmcs", hyperv.Evmcs));
    }

    private static XElement? Simple(string name, FeatureState? state) => state is null ? null : new XElement(name, State(state.Enabled));

    private static XAttribute State(bool? enabled) => new("state", enabled is false ? "off" : "on");
}
