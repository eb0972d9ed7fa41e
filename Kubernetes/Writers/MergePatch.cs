using System.Text.Json.Nodes;

namespace Troupe.Kubernetes.Writers;

/// <summary>JSON merge patches (RFC 7396).</summary>
public static class MergePatch
{
    /// <summary>The patch that turns <paramref name="from"/> into <paramref name="to"/>; null when nothing differs.</summary>
    /// <remarks>Lists are replaced as a whole; a member that is missing in <paramref name="to"/> becomes null, which removes it.</remarks>
    public static JsonObject? Between(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach (var (name, value) in to)
        {
            from.TryGetPropertyValue(name, out var old);
            if (JsonNode.DeepEquals(old, value))
                continue;
            if (old is JsonObject oldObject && value is JsonObject newObject)
            {
                if (Between(oldObject, newObject) is { } nested)
                    patch[name] = nested;
            }
            else
            {
                patch[name] = value?.DeepClone();
            }
        }

        foreach (var (name, _) in from)
        {
            if (!to.ContainsKey(name))
                patch[name] = null;
        }

        return patch.Count == 0 ? null : patch;
    }
}
