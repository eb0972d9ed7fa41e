using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Schema;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Review;

/// <summary>
/// An object as it reads after KubeVirt's mutators have read and written it: quantities in their shortest form, empty lists and maps left
/// out, a choice that must be made but was not as an empty text. The rules that come next judge this form, and it is the one that is stored.
/// </summary>
internal static class GoForm
{
    /// <summary>Texts that Go leaves out when they are empty, and whose absence the rules can tell from that.</summary>
    private static readonly HashSet<string> LeftOut = ["GPU.claimName", "GPU.requestName", "HostDevice.claimName", "HostDevice.requestName"];

    public static T Of<T>(T obj) where T : KubeObject
    {
        var node = JsonSerializer.SerializeToNode(obj, obj.GetType(), ApiJson.Default)!;
        Rewrite(node, ModelSchema.Of(obj.GetType()));
        return (T)node.Deserialize(obj.GetType(), ApiJson.Default)!;
    }

    private static void Rewrite(JsonNode? node, SchemaNode type)
    {
        switch (node)
        {
            case JsonArray list when type.Items is { } items:
                foreach (var item in list)
                    Rewrite(item, items);
                break;
            case JsonObject map when type.Kind is SchemaKind.Map:
                foreach (var (name, value) in map.ToList())
                    Put(map, name, value, type.Items!);
                break;
            case JsonObject obj:
                foreach (var (name, value) in obj.ToList())
                {
                    if (!type.Properties.TryGetValue(name, out var property))
                        continue;
                    if (property is { IsRequired: false, Node.Kind: SchemaKind.List or SchemaKind.Map } && (value is JsonArray { Count: 0 } or JsonObject { Count: 0 }))
                        obj.Remove(name);
                    else if (LeftOut.Contains($"{type.TypeName}.{name}") && value is JsonValue text && text.GetValue<string>().Length == 0)
                        obj.Remove(name);
                    else
                        Put(obj, name, value, property.Node);
                }

                foreach (var choice in type.Properties.Values.Where(p => p is { IsRequired: true, Allowed.Count: > 0 } && !obj.ContainsKey(p.Name)))
                    obj[choice.Name] = "";
                break;
        }
    }

    private static void Put(JsonObject obj, string name, JsonNode? value, SchemaNode type)
    {
        if (type.Kind is SchemaKind.Quantity && value is JsonValue text)
            obj[name] = Quantities.Canonical(new Quantity(text.GetValue<string>()));
        else
            Rewrite(value, type);
    }
}
