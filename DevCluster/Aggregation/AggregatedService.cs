using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Aggregation;

/// <summary>One APIService that points to a service, as it is stored; <see cref="Resources"/> is what its server last said it serves.</summary>
internal sealed record AggregatedService(
    string Name, string Uid, long ResourceVersion, string Group, string Version, string Namespace, string Service, int Port, byte[]? CaBundle, bool SkipVerify)
{
    public JsonArray? Resources { get; init; }

    /// <summary>Where its server has the OpenAPI v3 document of the group version, as its index says; null when it has none.</summary>
    public string? OpenApiUrl { get; init; }

    public static AggregatedService? From(JsonObject api, long resourceVersion)
    {
        if (api.Obj("spec", "service") is not { } service)
            return null;
        var bundle = api.Str("spec", "caBundle") is { Length: > 0 } text ? Convert.FromBase64String(text) : null;
        return new AggregatedService(
            api.Name(), api.Str("metadata", "uid") ?? "", resourceVersion, api.Str("spec", "group") ?? "", api.Str("spec", "version") ?? "",
            service.Str("namespace") ?? "", service.Str("name") ?? "", (int)(service.Int("port") ?? 443), bundle, api.Bool("spec", "insecureSkipTLSVerify") ?? false);
    }

    /// <summary>Everything that decides how its server is reached and trusted.</summary>
    public bool SameBackend(AggregatedService other) =>
        (Namespace, Service, Port, SkipVerify) == (other.Namespace, other.Service, other.Port, other.SkipVerify)
        && (CaBundle ?? []).AsSpan().SequenceEqual(other.CaBundle ?? []);
}
