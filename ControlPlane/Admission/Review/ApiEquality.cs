using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Review;

/// <summary>Whether two parts of objects say the same: an absent field, a null and an empty list or map are one.</summary>
public static class ApiEquality
{
    public static bool Same<T>(T? one, T? other) where T : ApiObject => JsonNode.DeepEquals(Normal(one), Normal(other));

    public static bool Same<T>(IReadOnlyList<T>? one, IReadOnlyList<T>? other) where T : ApiObject =>
        (one?.Count ?? 0) == (other?.Count ?? 0) && (one ?? []).Zip(other ?? []).All(p => Same(p.Item1, p.Item2));

    private static JsonNode? Normal(ApiObject? part) => part is null ? null : Prune(JsonSerializer.SerializeToNode(part, part.GetType(), ApiJson.Default));

    private static JsonNode? Prune(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject obj:
                foreach (var (name, value) in obj.ToList())
                {
                    Prune(value);
                    if (value is null or JsonArray { Count: 0 })
                        obj.Remove(name);
                }

                return obj;
            case JsonArray array:
                foreach (var item in array)
                    Prune(item);
                return array;
            default:
                return node;
        }
    }
}
