using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Discovery;

/// <summary>What clients learn the API from: the plain documents, one per group version, and the aggregated one.</summary>
internal sealed class DiscoveryDocuments(ResourceRegistry registry, ApiAggregator aggregator)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Version, byte[] Bytes)> _aggregated = [];

    public JsonObject? Plain(string path, HttpRequest request)
    {
        switch (path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            case []:
                return new JsonObject
                {
                    ["paths"] = new JsonArray(["/api", "/api/v1", "/apis", .. Groups().SelectMany(g => g.Versions.Select(v => (JsonNode)$"/apis/{g.Name}/{v}")),
                        "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]),
                };
            case ["version"]:
                return Version;
            case ["api"]:
                return new JsonObject
                {
                    ["kind"] = "APIVersions",
                    ["versions"] = new JsonArray("v1"),
                    ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = request.Host.Value }),
                };
            case ["apis"]:
                return new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray([.. Groups().Select(g => Group(g, false))]) };
            case ["apis", var group]:
                return Groups().FirstOrDefault(g => g.Name == group) is { Name.Length: > 0 } found ? Group(found, true) : null;
            case ["api", var version] when registry.HasGroupVersion("", version):
                return ResourceList("", version);
            case ["apis", var group, var version] when registry.HasGroupVersion(group, version):
                return ResourceList(group, version);
            default:
                return null;
        }
    }

    /// <summary>What DevCluster claims to be: clients choose features by it.</summary>
    public static JsonObject Version => new()
    {
        ["major"] = "1",
        ["minor"] = "32",
        ["gitVersion"] = "v1.32.4+devcluster",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "none",
        ["compiler"] = "dotnet",
        ["platform"] = "linux/amd64",
    };

    public byte[] Aggregated(string root, string version)
    {
        var now = registry.Version + aggregator.Version;
        lock (_gate)
        {
            var key = $"{root} {version}";
            if (_aggregated.TryGetValue(key, out var known) && known.Version == now)
                return known.Bytes;
            var items = root == "/api"
                ? new JsonArray(AggregatedGroup("", ["v1"]))
                : new JsonArray([.. Groups().Select(g => AggregatedGroup(g.Name, g.Versions))]);
            var bytes = new JsonObject
            {
                ["kind"] = "APIGroupDiscoveryList",
                ["apiVersion"] = "apidiscovery.k8s.io/" + version,
                ["metadata"] = new JsonObject(),
                ["items"] = items,
            }.ToUtf8();
            _aggregated[key] = (now, bytes);
            return bytes;
        }
    }

    /// <summary>Versions in the order of preference.</summary>
    private List<(string Name, IReadOnlyList<string> Versions)> Groups() =>
        [.. registry.All.Where(d => d.Key.Group.Length > 0).Select(d => (d.Key.Group, d.Key.Version))
            .Concat(aggregator.Services.Select(s => (s.Group, s.Version)))
            .Distinct()
            .GroupBy(p => p.Group, p => p.Version)
            .Select(g => (g.Key, (IReadOnlyList<string>)[.. g.OrderBy(ResourceRegistry.VersionRank)]))];

    private static JsonObject Group((string Name, IReadOnlyList<string> Versions) group, bool alone)
    {
        JsonObject Entry(string version) => new() { ["groupVersion"] = $"{group.Name}/{version}", ["version"] = version };
        var json = new JsonObject();
        if (alone)
        {
            json["kind"] = "APIGroup";
            json["apiVersion"] = "v1";
        }
        json["name"] = group.Name;
        json["versions"] = new JsonArray([.. group.Versions.Select(Entry)]);
        json["preferredVersion"] = Entry(group.Versions[0]);
        return json;
    }

    private JsonObject ResourceList(string group, string version)
    {
        var list = new JsonArray();
        foreach (var d in Of(group, version))
        {
            var resource = new JsonObject
            {
                ["name"] = d.Key.Plural,
                ["singularName"] = d.SingularName,
                ["namespaced"] = d.Namespaced,
                ["kind"] = d.Kind,
                ["verbs"] = Strings(d.Verbs),
            };
            if (d.ShortNames.Length > 0)
                resource["shortNames"] = Strings(d.ShortNames);
            if (d.Categories.Length > 0)
                resource["categories"] = Strings(d.Categories);
            if (d.Answer is null)
                resource["storageVersionHash"] = StorageHash(d);
            list.Add((JsonNode)resource);
            foreach (var s in Subresources(d))
            {
                var sub = new JsonObject { ["name"] = $"{d.Key.Plural}/{s.Name}", ["singularName"] = "", ["namespaced"] = d.Namespaced, ["kind"] = s.Kind, ["verbs"] = Strings(s.Verbs) };
                if (s.Group != group || s.Version != version)
                {
                    sub["group"] = s.Group;
                    sub["version"] = s.Version;
                }
                list.Add((JsonNode)sub);
            }
        }
        return new JsonObject { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}", ["resources"] = list };
    }

    private JsonObject AggregatedGroup(string group, IReadOnlyList<string> versions) => new()
    {
        ["metadata"] = group.Length == 0 ? new JsonObject { ["creationTimestamp"] = null } : new JsonObject { ["name"] = group, ["creationTimestamp"] = null },
        ["versions"] = new JsonArray([.. versions.Select(v => aggregator.Find(group, v) is { } service ? AggregatedForeign(service) : AggregatedVersion(group, v))]),
    };

    private JsonObject AggregatedVersion(string group, string version) => new()
    {
        ["version"] = version,
        ["resources"] = new JsonArray([.. Of(group, version).Select(d =>
        {
            var subresources = new JsonArray([.. Subresources(d).Select(s => new JsonObject
            {
                ["subresource"] = s.Name, ["responseKind"] = Kind(s.Group, s.Version, s.Kind), ["verbs"] = Strings(s.Verbs),
            })]);
            var json = new JsonObject
            {
                ["resource"] = d.Key.Plural,
                ["responseKind"] = Kind(group, version, d.Kind),
                ["scope"] = d.Namespaced ? "Namespaced" : "Cluster",
                ["singularResource"] = d.SingularName,
                ["verbs"] = Strings(d.Verbs),
            };
            if (d.ShortNames.Length > 0)
                json["shortNames"] = Strings(d.ShortNames);
            if (d.Categories.Length > 0)
                json["categories"] = Strings(d.Categories);
            if (subresources.Count > 0)
                json["subresources"] = subresources;
            return json;
        })]),
        ["freshness"] = "Current",
    };

    /// <summary>An aggregated server's plain document, turned into the aggregated form.</summary>
    private static JsonObject AggregatedForeign(AggregatedService service)
    {
        var resources = new JsonArray();
        var bySubresource = (service.Resources ?? []).OfType<JsonObject>().ToLookup(r => (r.Str("name") ?? "").Contains('/', StringComparison.Ordinal));
        foreach (var resource in bySubresource[false])
        {
            var name = resource.Str("name") ?? "";
            var json = new JsonObject
            {
                ["resource"] = name,
                ["responseKind"] = Kind(service.Group, service.Version, resource.Str("kind") ?? ""),
                ["scope"] = resource.Bool("namespaced") == true ? "Namespaced" : "Cluster",
                ["singularResource"] = resource.Str("singularName") ?? "",
                ["verbs"] = resource.Arr("verbs")?.DeepClone() ?? new JsonArray(),
            };
            if (resource.Arr("shortNames") is { } shortNames)
                json["shortNames"] = shortNames.DeepClone();
            var subs = bySubresource[true].Where(s => s.Str("name")!.StartsWith(name + "/", StringComparison.Ordinal)).ToList();
            if (subs.Count > 0)
            {
                json["subresources"] = new JsonArray([.. subs.Select(s => new JsonObject
                {
                    ["subresource"] = s.Str("name")![(name.Length + 1)..],
                    ["responseKind"] = Kind(s.Str("group") ?? service.Group, s.Str("version") ?? service.Version, s.Str("kind") ?? ""),
                    ["verbs"] = s.Arr("verbs")?.DeepClone() ?? new JsonArray(),
                })]);
            }
            resources.Add((JsonNode)json);
        }
        return new JsonObject { ["version"] = service.Version, ["resources"] = resources, ["freshness"] = service.Resources is null ? "Stale" : "Current" };
    }

    private IEnumerable<ResourceDefinition> Of(string group, string version) => registry.All.Where(d => d.Key.Group == group && d.Key.Version == version);

    private static IEnumerable<(string Name, string Kind, string Group, string Version, string[] Verbs)> Subresources(ResourceDefinition d)
    {
        string[] readWrite = ["get", "patch", "update"];
        if (d.HasStatus)
            yield return ("status", d.Kind, d.Key.Group, d.Key.Version, readWrite);
        if (d.Scale is not null)
            yield return ("scale", "Scale", "autoscaling", "v1", readWrite);
        foreach (var (name, s) in d.Subresources)
            yield return (name, s.Kind, s.Group, s.Version, s.Verbs);
    }

    private static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static string StorageHash(ResourceDefinition d) =>
        Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{d.StorageApiVersion}/{d.Kind}")).AsSpan(0, 8));
}
