using System.Text.Json.Nodes;

namespace Troupe.Kubernetes.Tests.Crds;

/// <summary>An object that sets every field of a schema.</summary>
internal static class SchemaSample
{
    public static JsonNode? Of(JsonObject schema)
    {
        if (schema["x-kubernetes-int-or-string"] is not null)
            return "7";
        if (schema["enum"] is JsonArray allowed)
            return allowed[0]!.DeepClone();
        return (string?)schema["type"] switch
        {
            "string" => (string?)schema["format"] is "date-time" ? "2026-11-25T10:00:00Z" : (string?)schema["format"] is "byte" ? "AAEC" : "text",
            "integer" => 7,
            "number" => 0.5,
            "boolean" => true,
            "array" => new JsonArray(Of(schema["items"]!.AsObject())),
            "object" when schema["additionalProperties"] is JsonObject value => new JsonObject { ["key"] = Of(value) },
            "object" when schema["properties"] is JsonObject fields => new JsonObject(fields.Select(f => KeyValuePair.Create(f.Key, Of(f.Value!.AsObject())))),
            "object" => new JsonObject(),
            _ => new JsonObject { ["anything"] = true },
        };
    }
}
