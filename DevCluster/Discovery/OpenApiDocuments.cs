using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Http;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Discovery;

/// <summary>
/// OpenAPI v3 per group version and one v2 document: the schemas that the server itself works with. Built when first asked for
/// and kept until a CRD changes.
/// </summary>
internal sealed class OpenApiDocuments(ResourceRegistry registry, ApiAggregator aggregator)
{
    private const string V3Prefix = "#/components/schemas/";
    private const string V2Prefix = "#/definitions/";
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Version, byte[] Bytes)> _built = [];

    public async Task ServeAsync(HttpContext context, string path)
    {
        switch (path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            case ["openapi", "v2"]:
                await Responses.BytesAsync(context, 200, "application/json", await V2Async(context.RequestAborted));
                return;
            case ["openapi", "v3"]:
                await Responses.JsonAsync(context, 200, Index());
                return;
            case ["openapi", "v3", "api", var version] when registry.HasGroupVersion("", version):
                await Responses.BytesAsync(context, 200, "application/json", Cached($"api/{version}", () => V3("", version)));
                return;
            case ["openapi", "v3", "apis", var group, var version] when registry.HasGroupVersion(group, version):
                await Responses.BytesAsync(context, 200, "application/json", Cached($"apis/{group}/{version}", () => V3(group, version)));
                return;
            default:
                throw ApiException.UnknownPath();
        }
    }

    /// <summary>With what the aggregated servers say of themselves now; those that don't answer are left out.</summary>
    private async Task<byte[]> V2Async(CancellationToken ct)
    {
        var services = aggregator.Services.Where(s => s.Resources is not null && aggregator.Find(s.Group, s.Version) == s).OrderBy(s => s.Name, StringComparer.Ordinal).ToList();
        var documents = await Task.WhenAll(services.Select(s => aggregator.OpenApiV2Async(s, ct)));
        return Cached("v2", () => services.Zip(documents).Where(d => d.Second is not null).Aggregate(V2(), (document, d) =>
        {
            OpenApiMerge.Add(document, JsonReader.ParseObject(d.Second!), $"/apis/{d.First.Group}/{d.First.Version}");
            return document;
        }), string.Join(' ', documents.Select(d => Convert.ToHexString(SHA256.HashData(d ?? [])))));
    }

    private byte[] Cached(string key, Func<JsonObject> build, string others = "")
    {
        var now = $"{registry.Version} {others}";
        lock (_gate)
        {
            if (_built.TryGetValue(key, out var known) && known.Version == now)
                return known.Bytes;
            var bytes = build().ToUtf8();
            _built[key] = (now, bytes);
            return bytes;
        }
    }

    private JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in registry.All.Select(d => (d.Key.Group, d.Key.Version)).Distinct())
        {
            var path = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
            // Clients cache by this hash; the registry's version stands for the contents without building them.
            var hash = Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{path} {registry.Version}")));
            paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={hash}" };
        }
        foreach (var service in aggregator.Services.Where(s => s.OpenApiUrl is not null && aggregator.Find(s.Group, s.Version) == s))
            paths[$"apis/{service.Group}/{service.Version}"] = new JsonObject { ["serverRelativeURL"] = service.OpenApiUrl };
        return new JsonObject { ["paths"] = paths };
    }

    private JsonObject V3(string group, string version)
    {
        var definitions = registry.All.Where(d => d.Key.Group == group && d.Key.Version == version).ToList();
        var schemas = new JsonObject();
        var paths = new JsonObject();
        foreach (var definition in definitions)
        {
            var name = Define(definition, schemas, V3Prefix);
            foreach (var (path, operations) in Paths(definition, new JsonObject
            {
                ["description"] = "OK",
                ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = Ref(name, V3Prefix) } },
            }, v3: true))
                paths[path] = operations;
        }
        return new JsonObject { ["openapi"] = "3.0.0", ["info"] = Info(), ["paths"] = paths, ["components"] = new JsonObject { ["schemas"] = schemas } };
    }

    private JsonObject V2()
    {
        var definitions = new JsonObject();
        var paths = new JsonObject();
        foreach (var definition in registry.All)
        {
            var name = Define(definition, definitions, V2Prefix);
            foreach (var (path, operations) in Paths(definition, new JsonObject { ["description"] = "OK", ["schema"] = Ref(name, V2Prefix) }, v3: false))
                paths[path] = operations;
        }
        return new JsonObject { ["swagger"] = "2.0", ["info"] = Info(), ["paths"] = paths, ["definitions"] = definitions };
    }

    private static JsonObject Info() => new() { ["title"] = "Kubernetes", ["version"] = "v1.32.4" };

    private static JsonObject Ref(string name, string prefix) => new() { ["$ref"] = prefix + name };

    private static IEnumerable<(string Path, JsonObject Operations)> Paths(ResourceDefinition d, JsonObject ok, bool v3)
    {
        var root = d.Key.Group.Length == 0 ? $"/api/{d.Key.Version}" : $"/apis/{d.Key.Group}/{d.Key.Version}";
        var collection = d.Namespaced ? $"{root}/namespaces/{{namespace}}/{d.Key.Plural}" : $"{root}/{d.Key.Plural}";
        JsonObject Operation(string action, params string[] parameters) => new()
        {
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = Gvk(d),
            ["parameters"] = new JsonArray([.. parameters.Select(p => Parameter(p, v3))]),
            ["responses"] = new JsonObject { ["200"] = ok.DeepClone() },
        };
        var collective = new JsonObject();
        if (d.Verbs.Contains("list"))
            collective["get"] = Operation("list", "labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch");
        collective["post"] = Operation("post", "dryRun", "fieldManager", "fieldValidation");
        yield return (collection, collective);
        if (!d.Verbs.Contains("get"))
            yield break;
        yield return (collection + "/{name}", new JsonObject
        {
            ["get"] = Operation("get"),
            ["put"] = Operation("put", "dryRun", "fieldManager", "fieldValidation"),
            ["patch"] = Operation("patch", "dryRun", "fieldManager", "fieldValidation", "force"),
            ["delete"] = Operation("delete", "dryRun", "gracePeriodSeconds", "propagationPolicy"),
        });
    }

    private static JsonObject Parameter(string name, bool v3)
    {
        var type = name is "limit" or "gracePeriodSeconds" ? "integer" : name is "watch" or "force" ? "boolean" : "string";
        var parameter = new JsonObject { ["name"] = name, ["in"] = "query" };
        if (v3)
            parameter["schema"] = new JsonObject { ["type"] = type };
        else
            parameter["type"] = type;
        return parameter;
    }

    private static JsonObject Gvk(ResourceDefinition d) => new() { ["group"] = d.Key.Group, ["version"] = d.Key.Version, ["kind"] = d.Kind };

    private static string Define(ResourceDefinition d, JsonObject into, string prefix)
    {
        var schema = d.Schema.Value;
        var name = schema.DefinitionName ?? string.Join('.', d.Key.Group.Split('.').Reverse()) + $".{d.Key.Version}.{d.Kind}";
        if (into.ContainsKey(name))
            return name;
        JsonObject json;
        if (d.SchemaSource is { } source)
        {
            json = source.Copy();
            if (json["properties"] is not JsonObject)
                json["properties"] = new JsonObject();
            var properties = json.Obj("properties")!;
            properties["apiVersion"] = new JsonObject { ["type"] = "string" };
            properties["kind"] = new JsonObject { ["type"] = "string" };
            properties["metadata"] = Of(schema.Properties["metadata"], into, prefix);
            into[name] = json;
        }
        else
        {
            Of(schema, into, prefix);
            json = into.Obj(name)!;
        }
        json["x-kubernetes-group-version-kind"] = new JsonArray(Gvk(d));
        return name;
    }

    private static JsonObject Of(Schema schema, JsonObject into, string prefix)
    {
        if (schema.DefinitionName is not { } name)
            return Inline(schema, into, prefix);
        if (!into.ContainsKey(name))
        {
            // Put in first: JSONSchemaProps and its like refer to themselves.
            into[name] = new JsonObject();
            into[name] = Inline(schema, into, prefix);
        }
        return Ref(name, prefix);
    }

    private static JsonObject Inline(Schema schema, JsonObject into, string prefix)
    {
        var json = new JsonObject();
        switch (schema.Type)
        {
            case SchemaType.Any:
                if (schema.PreserveUnknown)
                    json["x-kubernetes-preserve-unknown-fields"] = true;
                return json;
            case SchemaType.IntOrString:
                json["type"] = "string";
                json["format"] = "int-or-string";
                return json;
            default:
                json["type"] = schema.Type.ToString().ToLowerInvariant();
                break;
        }
        if (schema.Format is not null)
            json["format"] = schema.Format;
        if (schema.Properties.Count > 0)
        {
            var properties = new JsonObject();
            foreach (var (name, property) in schema.Properties)
                properties[name] = Of(property, into, prefix);
            json["properties"] = properties;
        }
        if (schema.AdditionalProperties is { } additional)
            json["additionalProperties"] = Of(additional, into, prefix);
        if (schema.Items is { } items)
        {
            json["items"] = Of(items, into, prefix);
            json["x-kubernetes-list-type"] = schema.ListType.ToString().ToLowerInvariant();
            if (schema.ListType == ListType.Map)
                json["x-kubernetes-list-map-keys"] = new JsonArray([.. schema.MapKeys.Select(k => (JsonNode)k)]);
            if (schema.PatchMergeKey is { } key)
            {
                json["x-kubernetes-patch-merge-key"] = key;
                json["x-kubernetes-patch-strategy"] = "merge";
            }
        }
        if (schema.AtomicMap)
            json["x-kubernetes-map-type"] = "atomic";
        return json;
    }
}
