using System.Text.Json.Nodes;

namespace Troupe.Kubernetes.Crds;

/// <summary>A column of `kubectl get`.</summary>
/// <param name="Type">string, integer, boolean or date.</param>
/// <param name="Priority">Columns above zero are shown by `-o wide` alone.</param>
public sealed record CrdColumn(string Name, string Type, string JsonPath, int Priority = 0)
{
    public static CrdColumn Age { get; } = new("Age", "date", ".metadata.creationTimestamp");

    public static CrdColumn Condition(string type, int priority = 0) => new(type, "string", $".status.conditions[?(@.type=='{type}')].status", priority);

    internal JsonObject ToJson()
    {
        var column = new JsonObject { ["name"] = Name, ["type"] = Type, ["jsonPath"] = JsonPath };
        if (Priority > 0)
            column["priority"] = Priority;
        return column;
    }
}

/// <summary>A served version of a kind. The versions of a kind differ in name only, so `None` converts between them without loss.</summary>
public sealed record CrdVersion(string Name, bool Storage = false, bool Deprecated = false);

/// <summary>One custom resource: where it is served and from which record its schema is made.</summary>
public sealed record CrdDefinition(string Group, Type Model, string Plural, IReadOnlyList<CrdVersion> Versions)
{
    public string Kind { get; init; } = Model.Name;
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<CrdColumn> Columns { get; init; } = [];
    public bool Namespaced { get; init; } = true;
    public bool Status { get; init; } = true;

    /// <summary>The scale subresource, for `kubectl scale` and autoscalers.</summary>
    public bool Scale { get; init; }

    /// <summary>Another operator's: where it has installed its own, that one stays.</summary>
    public bool OwnedElsewhere { get; init; }

    public string Name => $"{Plural}.{Group}";
    public string FileName => $"{Group}_{Plural}.yaml";

    public JsonObject ToJson(SchemaGenerator generator)
    {
        var schema = generator.OfKind(Model);
        var names = new JsonObject { ["kind"] = Kind, ["listKind"] = Kind + "List", ["plural"] = Plural, ["singular"] = Kind.ToLowerInvariant() };
        if (ShortNames.Count > 0)
            names["shortNames"] = new JsonArray([.. ShortNames.Select(n => (JsonNode)n)]);
        // The whole cluster's would be in the way of `kubectl get all` in a namespace: the common instance types alone are dozens.
        if (Namespaced)
            names["categories"] = new JsonArray("all");
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = Name, ["labels"] = new JsonObject { ["kubevirt.io"] = "" } },
            ["spec"] = new JsonObject
            {
                ["group"] = Group,
                ["scope"] = Namespaced ? "Namespaced" : "Cluster",
                ["names"] = names,
                ["conversion"] = new JsonObject { ["strategy"] = "None" },
                ["versions"] = new JsonArray([.. Versions.Select(v => Version(v, schema))]),
            },
        };
    }

    private JsonObject Version(CrdVersion version, JsonObject schema)
    {
        var json = new JsonObject { ["name"] = version.Name, ["served"] = true, ["storage"] = version.Storage };
        if (version.Deprecated)
        {
            json["deprecated"] = true;
            json["deprecationWarning"] = $"{Group}/{version.Name} is deprecated";
        }

        var subresources = new JsonObject();
        if (Status)
            subresources["status"] = new JsonObject();
        if (Scale)
            subresources["scale"] = new JsonObject { ["specReplicasPath"] = ".spec.replicas", ["statusReplicasPath"] = ".status.replicas", ["labelSelectorPath"] = ".status.labelSelector" };
        if (subresources.Count > 0)
            json["subresources"] = subresources;
        if (Columns.Count > 0)
            json["additionalPrinterColumns"] = new JsonArray([.. Columns.Select(c => c.ToJson())]);
        json["schema"] = new JsonObject { ["openAPIV3Schema"] = schema.DeepClone() };
        return json;
    }
}
