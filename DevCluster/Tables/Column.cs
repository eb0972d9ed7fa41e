using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Tables;

/// <summary>One column of <c>kubectl get</c>; priority 0 is always shown, 1 with <c>-o wide</c>.</summary>
internal sealed record Column(string Name, string Type, Func<JsonObject, DateTimeOffset, JsonNode?> Value, int Priority = 0, string Format = "", string Description = "")
{
    public static readonly Column ObjectName = new("Name", "string", (o, _) => o.Name(), Format: "name");

    public static readonly Column Age = new("Age", "string", (o, now) => Since(o.Str("metadata", "creationTimestamp"), now));

    public static readonly IReadOnlyList<Column> Default = [ObjectName, new("Created At", "date", (o, _) => o.Str("metadata", "creationTimestamp"))];

    public static Column Text(string name, Func<JsonObject, string?> value, int priority = 0) =>
        new(name, "string", (o, _) => value(o) ?? "", priority);

    public static Column Whole(string name, Func<JsonObject, long?> value, int priority = 0) =>
        new(name, "integer", (o, _) => value(o) ?? 0, priority);

    public static string Since(string? time, DateTimeOffset now) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, out var then) ? Duration(now - then) : "<unknown>";

    /// <summary>As kubectl shortens durations: 5s, 3m20s, 47m, 5h12m, 26h, 2d3h, 12d, 2y30d.</summary>
    public static string Duration(TimeSpan t)
    {
        var seconds = Math.Max(0, (long)t.TotalSeconds);
        long minutes = seconds / 60, hours = seconds / 3600, days = hours / 24, years = days / 365;
        static string Two(long a, string unitA, long b, string unitB) => b == 0 ? $"{a}{unitA}" : $"{a}{unitA}{b}{unitB}";
        return seconds < 120 ? $"{seconds}s"
            : minutes < 10 ? Two(minutes, "m", seconds % 60, "s")
            : hours < 3 ? $"{minutes}m"
            : hours < 8 ? Two(hours, "h", minutes % 60, "m")
            : hours < 48 ? $"{hours}h"
            : days < 8 ? Two(days, "d", hours % 24, "h")
            : days < 730 ? $"{days}d"
            : years < 8 ? Two(years, "y", days % 365, "d")
            : $"{years}y";
    }
}
