using System.Text.Json.Nodes;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>The JSON patch (RFC 6902) that turns one document into another. Small patches keep the API server's work small.</summary>
public static class JsonPatchDiff
{
    public static JsonArray Between(JsonNode? before, JsonNode? after)
    {
        var operations = new JsonArray();
        Compare("", before, after, operations);
        return operations;
    }

    private static void Compare(string path, JsonNode? before, JsonNode? after, JsonArray operations)
    {
        switch (before, after)
        {
            case (JsonObject a, JsonObject b):
                foreach (var name in a.Select(m => m.Key).Where(n => !b.ContainsKey(n)))
                    operations.Add(Operation("remove", Child(path, name), null, hasValue: false));
                foreach (var (name, value) in b)
                {
                    if (a.TryGetPropertyValue(name, out var old))
                        Compare(Child(path, name), old, value, operations);
                    else
                        operations.Add(Operation("add", Child(path, name), value, hasValue: true));
                }

                break;
            case (JsonArray a, JsonArray b) when a.Count == b.Count:
                for (var i = 0; i < a.Count; i++)
                    Compare($"{path}/{i}", a[i], b[i], operations);
                break;
            default:
                if (!JsonNode.DeepEquals(before, after))
                    operations.Add(Operation("replace", path, after, hasValue: true));
                break;
        }
    }

    private static string Child(string path, string name) => $"{path}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    private static JsonObject Operation(string op, string path, JsonNode? value, bool hasValue)
    {
        var operation = new JsonObject { ["op"] = op, ["path"] = path };
        if (hasValue)
            operation["value"] = value?.DeepClone();
        return operation;
    }
}
