using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

internal static class ClockXml
{
    public static XElement Clock(Clock? clock)
    {
        var element = new XElement("clock");
        if (clock?.Timezone is { Length: > 0 } zone)
        {
            element.Add(new XAttribute("offset", "timezone"), new XAttribute("timezone", zone));
        }
        else if (clock?.Utc?.OffsetSeconds is { } seconds)
        {
            element.Add(new XAttribute("offset", "variable"), new XAttribute("adjustment", seconds), new XAttribute("basis", "utc"));
        }
        else
        {
            element.Add(new XAttribute("offset", "utc"));
        }

        var timer = clock?.Timer;
        Add(element, "rtc", timer?.Rtc?.Present, timer?.Rtc?.TickPolicy, timer?.Rtc is not null, timer?.Rtc?.Track);
        Add(element, "pit", timer?.Pit?.Present, timer?.Pit?.TickPolicy, timer?.Pit is not null);
        Add(element, "hpet", timer?.Hpet?.Present, timer?.Hpet?.TickPolicy, timer?.Hpet is not null);
        Add(element, "kvmclock", timer?.Kvm?.Present, null, timer?.Kvm is not null);
        Add(element, "hypervclock", timer?.Hyperv?.Present, null, timer?.Hyperv is not null);
        return element;
    }

    private static void Add(XElement clock, string name, bool? present, string? tickPolicy, bool isSet, string? track = null)
    {
        if (!isSet)
            return;
        var timer = new XElement("timer", new XAttribute("name", name), new XAttribute("present", present is false ? "no" : "yes"));
        if (tickPolicy is { Length: > 0 })
            timer.Add(new XAttribute("tickpolicy", tickPolicy));
        if (track is { Length: > 0 })
            timer.Add(new XAttribute("track", track));
        clock.Add(timer);
    }
}
