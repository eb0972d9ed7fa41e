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

    public static XElement Features(DomainSource source)
    {
        var features = source.Domain.Features;
        var element = new XElement("features");
        if (IsOn(features?.Acpi, whenAbsent: true))
            element.Add(new XElement("acpi"));
        if (features?.Apic is { Enabled: not false } apic)
            element.Add(new XElement("apic", apic.EndOfInterrupt is true ? new XAttribute("eoi", "on") : null));
        if (features is not null)
            element.Add(HypervXml.Hyperv(features));
        if (IsOn(features?.Smm))
            element.Add(new XElement("smm"));
        element.Add(Kvm(source));
        if (features?.Pvspinlock is { } spinlock)
            element.Add(new XElement("pvspinlock", new XAttribute("state", spinlock.Enabled is false ? "off" : "on")));
        if (source.Domain.Cpu?.Realtime is not null || source.Domain.LaunchSecurity?.Tdx is not null)
            element.Add(new XElement("pmu", new XAttribute("state", "off")));
        element.Add(new XElement("vmport", new XAttribute("state", "off")));
        if (source.Context.UseEmulation)
            element.Add(new XElement("tcg", new XElement("tb-cache", new XAttribute("unit", "MiB"), TranslationCacheMiB)));
        return element;
    }

    private static XElement? Kvm(DomainSource source)
    {
        var kvm = new XElement("kvm");
        if (source.Domain.Features?.Kvm is { } set)
            kvm.Add(new XElement("hidden", new XAttribute("state", set.Hidden is true ? "on" : "off")));
        // A guest that has its CPUs to itself need not give them up while it waits.
        if (source.HasDedicatedCpus)
            kvm.Add(new XElement("hint-dedicated", new XAttribute("state", "on")));
        return kvm.HasElements ? kvm : null;
    }

    private static bool IsOn(FeatureState? state, bool whenAbsent = false) => state is null ? whenAbsent : state.Enabled is not false;
}
