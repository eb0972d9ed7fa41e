using System.Runtime.CompilerServices;
using System.Text.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Stored objects as the records of the model. A stored object never changes, so each is read once, however many ask.</summary>
internal static class TypedObjects
{
    private static readonly ConditionalWeakTable<StoredObject, object> Read = [];

    public static T As<T>(this StoredObject stored)
        where T : class
    {
        if (Read.TryGetValue(stored, out var known) && known is T same)
            return same;
        var value = JsonSerializer.Deserialize(stored.Json.Span, KubeJson.Model<T>()) ?? throw new JsonException($"not a {typeof(T).Name}");
        Read.AddOrUpdate(stored, value);
        return value;
    }

    public static IEnumerable<T> All<T>(this StoreState state, string table, string? ns = null)
        where T : class => state.Table(table).All(ns).Select(stored => stored.As<T>());

    public static T? Find<T>(this StoreState state, string table, string ns, string name)
        where T : class => state.Table(table).Find(ns, name)?.As<T>();
}
