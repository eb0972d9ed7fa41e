using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>A short name for a pod template, the same for equal templates.</summary>
internal static class TemplateHash
{
    // Kubernetes' alphabet for names: no vowels, nothing that looks like something else.
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    public static string Of(JsonNode template, int collisions = 0)
    {
        var hash = 2166136261u;
        Add(Canonical(template));
        if (collisions > 0) Add(collisions.ToString(null, null));
        return string.Concat(hash.ToString(null, null).Select(digit => Alphabet[digit - '0']));

        void Add(string text)
        {
            foreach (var c in text) hash = unchecked((hash ^ c) * 16777619u);
        }
    }

    /// <summary>Templates are equal whatever hash label each carries and in whatever order their fields are.</summary>
    public static string Canonical(JsonNode? node) => node switch
    {
        JsonObject obj => "{" + string.Join(",", obj.Where(field => field.Key != "pod-template-hash" && field.Value is not null && field.Key != "creationTimestamp")
            .OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}:{Canonical(field.Value)}")) + "}",
        JsonArray array => "[" + string.Join(",", array.Select(Canonical)) + "]",
        _ => node.Display(),
    };
}
