using System.Buffers;
using System.Globalization;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Durations as Go writes them: <c>1h30m</c>, <c>-1.5s</c>, <c>250ms</c>.</summary>
internal static class GoDuration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan span)
    {
        span = default;
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (rest.Length > 0 && rest[0] is '-' or '+')
            rest = rest[1..];
        if (rest.Length == 0)
            return false;
        if (rest is "0")
            return true;
        decimal ticks = 0;
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(Digits);
            var unit = letters < 0 ? rest : rest[..letters];
            decimal? scale = unit switch
            {
                "ns" => 0.01m,
                "us" or "µs" or "μs" => 10m,
                "ms" => TimeSpan.TicksPerMillisecond,
                "s" => TimeSpan.TicksPerSecond,
                "m" => TimeSpan.TicksPerMinute,
                "h" => TimeSpan.TicksPerHour,
                _ => null,
            };
            if (scale is null || number > 1_000_000_000_000_000_000m)
                return false;
            ticks += number * scale.Value;
            if (ticks > long.MaxValue)
                return false;
            rest = rest[unit.Length..];
        }
        span = new TimeSpan((long)(negative ? -ticks : ticks));
        return true;
    }

    /// <summary>Seconds with a fraction, as the language's string() has it.</summary>
    public static string Format(TimeSpan span) => ((decimal)span.Ticks / TimeSpan.TicksPerSecond).ToString("0.#######", CultureInfo.InvariantCulture) + "s";
}
