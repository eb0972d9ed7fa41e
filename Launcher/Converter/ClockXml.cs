using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

internal static class ClockXml
{
    /// <param name="tscFrequency">Hz that the guest's time stamp counter has to keep on every node.</param>
    public static XElement? Clock(Clock? clock, long? tscFrequency)
    {
        if (clock is null && tscFrequency is null)
            return null;
        var element = new XElement("clock");
        if (clock?.Utc is { } utc)
            element.Add(new XAttribute("offset", "utc"), new XAttribute("adjustment", utc.OffsetSeconds is { } seconds ? $"{seconds}" : "reset"));
        else if (clock?.Timezone is { Length: > 0 } zone)
            element.Add(new XAttribute("offset", "timezone"), new XAttribute("timezone", zone));
        if (clock?.Timer is { } timer)
        {
            Add(element, "rtc", timer.Rtc is { } rtc ? (rtc.Present, rtc.TickPolicy) : null, timer.Rtc?.Track);
            Add(element, "pit", timer.Pit is { } pit ? (pit.Present, pit.TickPolicy) : null);
            Add(element, "kvmclock", timer.Kvm is { } kvm ? (kvm.Present, null) : null);
            Add(element, "hpet", timer.Hpet is { } hpet ? (hpet.Present, hpet.TickPolicy) : null);
            Add(element, "hypervclock", timer.Hyperv is { } hyperv ? (hyperv.Present, null) : null);
        }

        if (tscFrequency is { } frequency)
            element.Add(new XElement("timer", new XAttribute("name", "tsc"), new XAttribute("frequency", frequency)));
        return element;
    }

    private static void Add(XElement clock, string name, (bool? Present, string? TickPolicy)? settings, string? track = null)
    {
        if (settings is not var (present, tickPolicy))
            return;
        clock.Add(new XElement("timer", new XAttribute("name", name),
            tickPolicy is { Length: > 0 } ? new XAttribute("tickpolicy", tickPolicy) : null,
            new XAttribute("present", present is false ? "no" : "yes"),
            track is { Length: > 0 } ? new XAttribute("track", track) : null));
    }
}
