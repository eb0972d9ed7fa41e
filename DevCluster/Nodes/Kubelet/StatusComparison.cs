using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Kubelet;

internal static class StatusComparison
{
    /// <summary>Whether the object's status already says all that is to be said; others' fields and conditions do not count.</summary>
    public static bool Says(JsonNode? written, JsonObject wanted) =>
        written is JsonObject status && wanted.All(field => field.Key == "conditions"
            ? field.Value!.AsArray().All(condition => HasCondition(status["conditions"] as JsonArray, condition!.AsObject()))
            : Same(status[field.Key], field.Value));

    private static bool HasCondition(JsonArray? conditions, JsonObject wanted) =>
        conditions?.FirstOrDefault(condition => Same(condition?["type"], wanted["type"])) is JsonObject found
        && Same(found["status"], wanted["status"]) && Same(found["reason"], wanted["reason"]) && Same(found["message"], wanted["message"]);

    // The server may drop what is empty.
    private static bool Same(JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(Normal(a), Normal(b));

    private static JsonNode? Normal(JsonNode? node) => node switch
    {
        JsonObject obj => new JsonObject(obj.Select(field => KeyValuePair.Create(field.Key, Normal(field.Value)))
            .Where(field => field.Value is not (null or JsonObject { Count: 0 }) && !(field.Value is JsonValue value && value.TryGetValue<string>(out var text) && text.Length == 0))),
        JsonArray array => new JsonArray([.. array.Select(Normal)]),
        _ => node?.DeepClone(),
    };
}
