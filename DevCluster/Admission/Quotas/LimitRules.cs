using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>The comparisons, in Kubernetes' words.</summary>
internal static class LimitRules
{
    public static IEnumerable<JsonNode> Of(StoreState state, string ns) =>
        state.Table("/limitranges").All(ns).SelectMany(r => r.Parse().Arr("spec", "limits") ?? []).OfType<JsonNode>();

    public static IEnumerable<string> Problems(JsonNode limit, string type, Dictionary<string, Amount> requests, Dictionary<string, Amount> limits)
    {
        foreach (var (name, node) in limit.Obj("min") ?? [])
        {
            if (Below(name, type, Amount.Parse(node) ?? default, requests, limits) is { } why)
                yield return why;
        }
        foreach (var (name, node) in limit.Obj("max") ?? [])
        {
            if (Above(name, type, Amount.Parse(node) ?? default, requests, limits) is { } why)
                yield return why;
        }
        foreach (var (name, node) in limit.Obj("maxLimitRequestRatio") ?? [])
        {
            if (TooFar(name, type, Amount.Parse(node) ?? default, requests, limits) is { } why)
                yield return why;
        }
    }

    public static string? Below(string name, string type, Amount min, Dictionary<string, Amount> requests, Dictionary<string, Amount> limits) =>
        !requests.TryGetValue(name, out var request) ? $"minimum {name} usage per {type} is {min}.  No request is specified"
        : request.CompareTo(min) < 0 ? $"minimum {name} usage per {type} is {min}, but request is {request}"
        : limits.TryGetValue(name, out var limit) && limit.CompareTo(min) < 0 ? $"minimum {name} usage per {type} is {min}, but limit is {limit}"
        : null;

    private static string? Above(string name, string type, Amount max, Dictionary<string, Amount> requests, Dictionary<string, Amount> limits) =>
        !limits.TryGetValue(name, out var limit) ? $"maximum {name} usage per {type} is {max}.  No limit is specified"
        : limit.CompareTo(max) > 0 ? $"maximum {name} usage per {type} is {max}, but limit is {limit}"
        : requests.TryGetValue(name, out var request) && request.CompareTo(max) > 0 ? $"maximum {name} usage per {type} is {max}, but request is {request}"
        : null;

    private static string? TooFar(string name, string type, Amount ratio, Dictionary<string, Amount> requests, Dictionary<string, Amount> limits)
    {
        if (!requests.TryGetValue(name, out var request) || request.Value == 0)
            return $"{name} max limit to request ratio per {type} is {ratio}, but no request is specified or request is 0";
        if (!limits.TryGetValue(name, out var limit) || limit.Value == 0)
            return $"{name} max limit to request ratio per {type} is {ratio}, but no limit is specified or limit is 0";
        var provided = limit.Value / request.Value;
        return provided > ratio.Value ? $"{name} max limit to request ratio per {type} is {ratio}, but provided ratio is {provided.ToString("F6", CultureInfo.InvariantCulture)}" : null;
    }
}
