using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Machinery;

/// <summary>Which item of a list an item was before: told by the keys of a list map, in other lists not at all.</summary>
internal static class ListItems
{
    public static JsonNode? Before(JsonNode? item, JsonArray? old, Schema list)
    {
        if (old is null || list.ListType != ListType.Map)
            return null;
        var key = FieldSet.MapKey(item, list);
        return old.FirstOrDefault(o => FieldSet.MapKey(o, list) == key);
    }
}
