using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

internal static class FeaturesXml
{
    /// <summary>
    /// MiB of translated code that QEMU keeps. Its default takes a quarter of the host's memory for what a small guest never fills; 128 is
    /// the least with which QEMU 7.2 survives CPU hotplug.
    /// </summary>
    private const int TranslationCacheMiB = 128;

    public static XElement Features(Features? features, bool emulated)
    {
        var element = new XElement("features");
        if (features?.Acpi?.Enabled is not false)
            element.Add(new XElement("acpi"));
        if (features?.Apic is { Enabled: not false } apic)
            element.Add(new XElement("apic", apic.EndOfInterrupt is true ? new XAttribute("eoi", "on") : null));
        if (features?.Smm is { Enabled: not false })
            element.Add(new XElement("smm", new XAttribute("state", "on")));
        if (features?.Kvm?.Hidden is true)
            element.Add(new XElement("kvm", new XElement("hidden", new XAttribute("state", "on"))));
        if (features?.Pvspinlock is { } spinlock)
            element.Add(new XElement("pvspinlock", new XAttribute("state", spinlock.Enabled is false ? "off" : "on")));
        element.Add(new XElement("vmport", new XAttribute("state", "off")));
        if (emulated)
            element.Add(new XElement("tcg", new XElement("tb-cache", new XAttribute("unit", "MiB"), TranslationCacheMiB)));
        return element;
    }
}
