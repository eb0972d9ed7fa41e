using System.Globalization;
using System.Text.RegularExpressions;

namespace Troupe.EndToEnd.Harness;

/// <summary>Counts of API requests, read from the API server's <c>apiserver_request_total</c>.</summary>
public static partial class ApiTraffic
{
    private static readonly string[] WriteVerbs = ["POST", "PUT", "PATCH", "APPLY", "DELETE"];

    // apiserver_request_total{verb="PATCH",group="kubevirt.io",resource="virtualmachineinstances",subresource="",code="200"} 12
    [GeneratedRegex("""^apiserver_request_total\{(?<labels>[^}]*)\} (?<count>[0-9.e+]+)""", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<name>\w+)=""(?<value>[^""]*)""")]
    private static partial Regex Label();

    /// <summary>Writes by "VERB resource[/subresource]".</summary>
    public static Dictionary<string, double> Writes(string metrics)
    {
        Dictionary<string, double> counts = [];
        foreach (Match line in Line().Matches(metrics))
        {
            var labels = Label().Matches(line.Groups["labels"].Value).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value);
            if (!WriteVerbs.Contains(labels.GetValueOrDefault("verb")))
                continue;
            var subresource = labels.GetValueOrDefault("subresource") is { Length: > 0 } s ? "/" + s : "";
            var key = $"{labels["verb"]} {labels.GetValueOrDefault("resource")}{subresource}";
            counts[key] = counts.GetValueOrDefault(key) + double.Parse(line.Groups["count"].Value, CultureInfo.InvariantCulture);
        }

        return counts;
    }

    public static Dictionary<string, double> Difference(Dictionary<string, double> before, Dictionary<string, double> after) =>
        after.Select(a => (a.Key, Count: a.Value - before.GetValueOrDefault(a.Key))).Where(d => d.Count > 0).ToDictionary(d => d.Key, d => d.Count);
}
