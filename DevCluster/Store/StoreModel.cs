using System.Collections.Immutable;

namespace Troupe.DevCluster.Store;

internal enum WriteKind
{
    Create,
    Update,
    Delete,
}

internal enum WriteOutcome
{
    Done,
    AlreadyExists,
    NotFound,
    Modified,
}

/// <summary>Done: the new object (for a delete its last state). Otherwise the object that stood in the way, if any.</summary>
internal readonly record struct WriteResult(WriteOutcome Outcome, StoredObject? Object);

internal enum StoreEventType
{
    Added,
    Modified,
    Deleted,
}

/// <summary>A deleted object carries the resourceVersion of its deletion.</summary>
internal sealed record StoreEvent(StoreEventType Type, StoredObject Object, StoredObject? Previous)
{
    public long ResourceVersion => Object.ResourceVersion;
}

/// <summary>The objects of one resource: namespace, then name, both in byte order as etcd's keys are.</summary>
internal sealed class TableState(ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, StoredObject>> namespaces, int count)
{
    public static readonly ImmutableSortedDictionary<string, StoredObject> NoObjects =
        ImmutableSortedDictionary.Create<string, StoredObject>(StringComparer.Ordinal);

    public static readonly TableState Empty = new(
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, StoredObject>>(StringComparer.Ordinal), 0);

    public int Count => count;

    public StoredObject? Find(string ns, string name) =>
        namespaces.TryGetValue(ns, out var objects) && objects.TryGetValue(name, out var found) ? found : null;

    public TableState With(StoredObject obj)
    {
        var objects = namespaces.GetValueOrDefault(obj.Namespace, NoObjects);
        var grown = objects.SetItem(obj.Name, obj);
        return new TableState(namespaces.SetItem(obj.Namespace, grown), count + grown.Count - objects.Count);
    }

    public TableState Without(string ns, string name)
    {
        if (!namespaces.TryGetValue(ns, out var objects) || !objects.ContainsKey(name))
            return this;
        var shrunk = objects.Remove(name);
        return new TableState(shrunk.IsEmpty ? namespaces.Remove(ns) : namespaces.SetItem(ns, shrunk), count - 1);
    }

    public IEnumerable<StoredObject> All(string? ns = null)
    {
        if (ns is not null)
            return namespaces.TryGetValue(ns, out var objects) ? objects.Values : [];
        return namespaces.Values.SelectMany(objects => objects.Values);
    }

    /// <summary>The objects after a key (<c>namespace</c>, <c>name</c>) in list order.</summary>
    public IEnumerable<StoredObject> After(string afterNamespace, string afterName, string? ns) =>
        All(ns).SkipWhile(o => string.CompareOrdinal(o.Namespace, afterNamespace) is var order
            && (order < 0 || (order == 0 && string.CompareOrdinal(o.Name, afterName) <= 0)));
}

/// <summary>All tables at one resourceVersion; swapped as a whole, so a reader needs no lock.</summary>
internal sealed record StoreState(long ResourceVersion, ImmutableDictionary<string, TableState> Tables)
{
    public TableState Table(string table) => Tables.GetValueOrDefault(table, TableState.Empty);
}
