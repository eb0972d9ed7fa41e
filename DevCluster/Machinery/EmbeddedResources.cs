using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery;

/// <summary>Values with x-kubernetes-embedded-resource are whole objects: they need a type, and metadata of the right shape.</summary>
internal static class EmbeddedResources
{
    private static readonly ConditionalWeakTable<Schema, StrongBox<bool>> Somewhere = [];
    private static readonly Schema Metadata = BuiltinSchemas.For("meta.v1.ObjectMeta");

    public static void Check(JsonNode? value, Schema schema, string path, List<StatusCause> causes)
    {
        if (value is null || !Any(schema))
            return;
        switch (value)
        {
            case JsonObject obj:
                if (schema.EmbeddedResource)
                    Check(obj, path, causes);
                foreach (var (name, child) in obj)
                {
                    if (schema.Property(name) is { } property)
                        Check(child, property, path.Length == 0 ? name : $"{path}.{name}", causes);
                }
                break;
            case JsonArray array when schema.Items is { } items:
                for (var i = 0; i < array.Count; i++)
                    Check(array[i], items, $"{path}[{i}]", causes);
                break;
        }
    }

    private static void Check(JsonObject obj, string path, List<StatusCause> causes)
    {
        foreach (var field in new[] { "apiVersion", "kind" })
        {
            if (string.IsNullOrEmpty(obj.Str(field)))
                causes.Add(new("FieldValueRequired", "Required value: must not be empty", $"{path}.{field}"));
        }
        if (obj["metadata"] is not { } metadata)
            return;
        foreach (var cause in SchemaValidator.Validate(metadata, Metadata))
            causes.Add(cause with { Field = $"{path}.metadata.{cause.Field}" });
    }

    private static bool Any(Schema schema) => Somewhere.GetValue(schema, static s => new StrongBox<bool>(
        s.EmbeddedResource || (s.DefinitionName is null && s.Properties.Values.Any(Any)) || (s.Items is { } i && Any(i)) || (s.AdditionalProperties is { } a && Any(a)))).Value;
}
