using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

/// <summary>What a feed has told so far, so that a new list becomes the differences to it. Pure but for its own dictionary.</summary>
internal sealed class FeedCache<T> where T : KubeObject
{
    private readonly Dictionary<(string?, string?), T> _known = [];

    /// <summary>Events that lead from what was told to the listed state.</summary>
    public IReadOnlyList<FeedEvent<T>> Replace(IReadOnlyCollection<T> listed)
    {
        List<FeedEvent<T>> events = [];
        var present = listed.Select(Key).ToHashSet();
        foreach (var (key, last) in _known.Where(k => !present.Contains(k.Key)).ToList())
        {
            _known.Remove(key);
            events.Add(new FeedEvent<T>.Gone(last));
        }

        foreach (var obj in listed)
        {
            // Deleted and made again under the same name while nobody watched: the old one is told as gone first.
            if (_known.TryGetValue(Key(obj), out var old) && old.Metadata.Uid != obj.Metadata.Uid)
                events.Add(new FeedEvent<T>.Gone(old));
            if (old?.Metadata.ResourceVersion != obj.Metadata.ResourceVersion)
                events.Add(new FeedEvent<T>.Observed(obj));
            _known[Key(obj)] = obj;
        }

        return events;
    }

    public FeedEvent<T>? Apply(Client.WatchEventType type, T obj)
    {
        switch (type)
        {
            case Client.WatchEventType.Bookmark:
                return null;
            case Client.WatchEventType.Deleted:
                _known.Remove(Key(obj));
                return new FeedEvent<T>.Gone(obj);
            default:
                _known[Key(obj)] = obj;
                return new FeedEvent<T>.Observed(obj);
        }
    }

    private static (string?, string?) Key(T obj) => (obj.Metadata.Namespace, obj.Metadata.Name);
}
