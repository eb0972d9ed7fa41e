using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Webhooks;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Store;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Resources;

/// <summary>Turns CRD objects into served definitions, as they are stored.</summary>
internal static class CustomResources
{
    public const string Table = "apiextensions.k8s.io/customresourcedefinitions";

    /// <summary>Runs before the writer of the CRD is answered, so that its resource is there when it looks.</summary>
    public static void Follow(ResourceRegistry registry, WebhookClient webhooks, StoreEvent e, ILogger log)
    {
        if (e.Object.Table != Table)
            return;
        try
        {
            var crd = e.Object.Parse();
            var (group, plural) = (crd.Str("spec", "group") ?? "", crd.Str("spec", "names", "plural") ?? "");
            registry.Replace(group, plural, e.Type == StoreEventType.Deleted ? [] : Definitions(crd, webhooks));
        }
        catch (FormatException error)
        {
            log.LogError(error, "CRD {Name} can't be served", e.Object.Name);
        }
    }

    public static List<ResourceDefinition> Definitions(JsonObject crd, WebhookClient webhooks)
    {
        var spec = crd.Obj("spec");
        var names = crd.Obj("status", "acceptedNames");
        var established = crd.Arr("status", "conditions")?.Any(c => c.Str("type") == "Established" && c.Str("status") == "True") == true;
        if (!established || names is null)
            return [];
        var group = spec.Str("group")!;
        var plural = names.Str("plural")!;
        var storage = (spec.Arr("versions") ?? []).First(v => v.Bool("storage") == true).Str("name")!;
        var conversion = WebhookConversion.From(spec.Obj("conversion"), webhooks);
        var changed = crd.Int("metadata", "generation") > 1;
        var definitions = new List<ResourceDefinition>();
        foreach (var version in (spec.Arr("versions") ?? []).OfType<JsonObject>())
        {
            if (version.Bool("served") != true)
                continue;
            var source = version.Obj("schema", "openAPIV3Schema") ?? [];
            definitions.Add(new ResourceDefinition
            {
                Key = new ResourceKey(group, version.Str("name")!, plural),
                Kind = names.Str("kind")!,
                ListKindName = names.Str("listKind"),
                Singular = names.Str("singular") ?? "",
                Namespaced = spec.Str("scope") == "Namespaced",
                ShortNames = Strings(names.Arr("shortNames")),
                Categories = Strings(names.Arr("categories")),
                StorageVersion = storage,
                IsCustom = true,
                SchemaSource = source,
                Schema = new Lazy<Schema>(() => SchemaReader.Root(source, BuiltinSchemas.For("meta.v1.ObjectMeta"))),
                HasStatus = version.Obj("subresources", "status") is not null,
                Scale = version.Obj("subresources", "scale") is { } scale
                    ? new ScaleDefinition(scale.Str("specReplicasPath") ?? ".spec.replicas", scale.Str("statusReplicasPath") ?? ".status.replicas", scale.Str("labelSelectorPath"))
                    : null,
                TracksGeneration = true,
                Conversion = conversion,
                ReadsThroughSchema = changed || CustomReads.HasDefaults(source),
                SelectableFields = [.. (version.Arr("selectableFields") ?? []).Select(f => f.Str("jsonPath")?.TrimStart('.') ?? "")],
                Columns = Columns(version.Arr("additionalPrinterColumns")),
            });
        }
        return definitions;
    }

    private static IReadOnlyList<Column> Columns(JsonArray? source)
    {
        if (source is not { Count: > 0 })
            return [Column.ObjectName, Column.Age];
        var columns = new List<Column> { Column.ObjectName };
        foreach (var column in source.OfType<JsonObject>())
        {
            var path = new JsonPath(column.Str("jsonPath") ?? "");
            var type = column.Str("type") ?? "string";
            columns.Add(new Column(
                column.Str("name") ?? "", type,
                (o, now) => path.All(o).ToList() switch
                {
                    [] => null,
                    [var one] when type == "date" => Column.Since(one.Display(), now),
                    [var one] when type == "string" => one.Display(),
                    [var one] => one?.DeepClone(),
                    var many => string.Join(',', many.Select(m => m.Display())),
                },
                (int)(column.Int("priority") ?? 0), column.Str("format") ?? "", column.Str("description") ?? ""));
        }
        return columns;
    }

    private static string[] Strings(JsonArray? array) => array?.Select(i => i.AsString()).OfType<string>().ToArray() ?? [];
}
