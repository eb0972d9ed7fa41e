using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Schema;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Review;

/// <summary>Whether two parts of objects say the same: an absent field, a null and an empty text, list or map are one, and so are `1Gi` and `1024Mi`.</summary>
public static class ApiEquality
{
    public static bool Same<T>(T? one, T? other) where T : ApiObject => JsonNode.DeepEquals(Normal(one), Normal(other));

    public static bool Same<T>(IReadOnlyList<T>? one, IReadOnlyList<T>? other) where T : ApiObject =>
        (one?.Count ?? 0) == (other?.Count ?? 0) && (one ?? []).Zip(other ?? []).All(p => Same(p.Item1, p.Item2));

    private static JsonNode? Normal(ApiObject? part) =>
        part is null ? null : Prune(JsonSerializer.SerializeToNode(part, part.GetType(), ApiJson.Default), ModelSchema.Of(part.GetType()));

    private static bool IsEmptyText(JsonNode node) => node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length == 0;

    private static JsonNode? Prune(JsonNode? node, SchemaNode? type)
    {
        switch (node)
        {
            case JsonObject obj:
                foreach (var (name, value) in obj.ToList())
                {
                    var kind = type?.Kind is SchemaKind.Map ? type.Items : type?.Properties.GetValueOrDefault(name)?.Node;
                    if (value is null or JsonArray { Count: 0 } || IsEmptyText(value) || (value is JsonObject { Count: 0 } && kind?.Kind is SchemaKind.Map))
                        obj.Remove(name);
                    else if (Prune(value, kind) is { } pruned && !ReferenceEquals(pruned, value))
                        obj[name] = pruned;
                }

                return obj;
            case JsonArray array:
                foreach (var item in array)
                    Prune(item, type?.Items);
                return array;
            case JsonValue value when type?.Kind is SchemaKind.Quantity && value.TryGetValue<string>(out var text) && Quantity.TryParse(text, out var number):
                return number.ToString("0.#########", CultureInfo.InvariantCulture);
            default:
                return node;
        }
    }
}
