using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Troupe.Messages.Api.Meta;

/// <summary>`metav1.Duration`, a length of time as Go writes it: `2h`, `1m30s`, `1.5h`, `300ms`. The text is kept as written.</summary>
[JsonConverter(typeof(DurationConverter))]
public readonly partial record struct Duration(string Text)
{
    private static readonly Dictionary<string, decimal> Ticks = new(StringComparer.Ordinal)
    {
        ["ns"] = 0.01m,
        ["us"] = TimeSpan.TicksPerMicrosecond,
        ["µs"] = TimeSpan.TicksPerMicrosecond,
        ["ms"] = TimeSpan.TicksPerMillisecond,
        ["s"] = TimeSpan.TicksPerSecond,
        ["m"] = TimeSpan.TicksPerMinute,
        ["h"] = TimeSpan.TicksPerHour,
    };

    /// <exception cref="FormatException">The text is not a duration.</exception>
    public TimeSpan Value => TryParse(Text, out var value) ? value : throw new FormatException($"time: invalid duration \"{Text}\"");

    public static Duration Of(TimeSpan value)
    {
        var (hours, minutes) = ((long)value.TotalHours, value.Minutes);
        var seconds = (value.Seconds + value.Milliseconds / 1000m).ToString(CultureInfo.InvariantCulture);
        return new(hours > 0 ? $"{hours}h{minutes}m{seconds}s" : minutes > 0 ? $"{minutes}m{seconds}s" : $"{seconds}s");
    }

    public static bool TryParse(string? text, out TimeSpan value)
    {
        value = default;
        if (text is "0")
            return true;
        if (string.IsNullOrEmpty(text) || !Whole().IsMatch(text))
            return false;
        var ticks = Part().Matches(text).Sum(m => decimal.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) * Ticks[m.Groups[2].Value]);
        if (ticks > TimeSpan.MaxValue.Ticks)
            return false;
        value = TimeSpan.FromTicks((long)ticks) * (text[0] is '-' ? -1 : 1);
        return true;
    }

    public override string ToString() => Text;

    [GeneratedRegex(@"^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$")]
    private static partial Regex Whole();

    [GeneratedRegex(@"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")]
    private static partial Regex Part();
}

public sealed class DurationConverter : JsonConverter<Duration>
{
    public override Duration Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, Duration value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}
