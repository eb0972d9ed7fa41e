using System.Globalization;
using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>The parts of timestamps (in UTC or a given zone) and of durations.</summary>
internal static class CelTimes
{
    public static IEnumerable<CelOverload> All()
    {
        foreach (var (name, part) in new (string, Func<DateTimeOffset, long>)[]
        {
            ("getFullYear", t => t.Year), ("getMonth", t => t.Month - 1), ("getDate", t => t.Day), ("getDayOfMonth", t => t.Day - 1), ("getDayOfWeek", t => (long)t.DayOfWeek),
            ("getDayOfYear", t => t.DayOfYear - 1), ("getHours", t => t.Hour), ("getMinutes", t => t.Minute), ("getSeconds", t => t.Second), ("getMilliseconds", t => t.Millisecond),
        })
        {
            yield return new(name, true, [Timestamp], Int, a => part(((DateTimeOffset)a[0]!).ToUniversalTime()));
            yield return new(name, true, [Timestamp, CelType.String], Int, a => part(In((DateTimeOffset)a[0]!, (string)a[1]!)));
        }
        foreach (var (name, part) in new (string, Func<TimeSpan, long>)[]
        {
            ("getHours", d => d.Ticks / TimeSpan.TicksPerHour), ("getMinutes", d => d.Ticks / TimeSpan.TicksPerMinute),
            ("getSeconds", d => d.Ticks / TimeSpan.TicksPerSecond), ("getMilliseconds", d => d.Ticks / TimeSpan.TicksPerMillisecond % 1000),
        })
            yield return new(name, true, [Duration], Int, a => part((TimeSpan)a[0]!));
    }

    private static DateTimeOffset In(DateTimeOffset time, string zone)
    {
        if (TimeSpan.TryParseExact(zone.TrimStart('+', '-'), "hh\\:mm", CultureInfo.InvariantCulture, out var offset))
            return time.ToOffset(zone.StartsWith('-') ? -offset : offset);
        try
        {
            return TimeZoneInfo.ConvertTime(time, TimeZoneInfo.FindSystemTimeZoneById(zone));
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            throw new CelException("unknown time zone " + zone);
        }
    }
}
