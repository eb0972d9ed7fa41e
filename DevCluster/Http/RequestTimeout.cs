using System.Globalization;
using System.Text.RegularExpressions;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Http;

/// <summary>The <c>timeout</c> query parameter: how long a request other than a watch may take, as a Go duration such as <c>1m30s</c>.</summary>
internal static partial class RequestTimeout
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    /// <exception cref="ApiException">400 when it isn't a duration.</exception>
    public static TimeSpan? Of(HttpRequest request)
    {
        var text = request.Query["timeout"].ToString();
        if (text.Length == 0 || request.Query.ContainsKey("watch"))
            return null;
        var match = Duration().Match(text);
        if (!match.Success)
            throw ApiException.BadRequest($"invalid timeout specified in the request URL - time: invalid duration \"{text}\"");
        var seconds = match.Groups[1].Captures.Zip(match.Groups[2].Captures, (n, unit) => double.Parse(n.ValueSpan, CultureInfo.InvariantCulture) * unit.Value switch
        {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            "ms" => 1e-3,
            "ns" => 1e-9,
            _ => 1e-6,
        }).Sum();
        return seconds >= Longest.TotalSeconds || seconds <= 0 ? null : TimeSpan.FromSeconds(seconds);
    }

    [GeneratedRegex("^(?:([0-9]+(?:\\.[0-9]*)?)(h|ms|m|s|ns|us|µs))+$", RegexOptions.CultureInvariant)]
    private static partial Regex Duration();
}
