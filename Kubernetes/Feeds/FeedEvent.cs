using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

/// <summary>What a feed tells: always the latest object, never a delta; intermediate versions may be left out.</summary>
public abstract record FeedEvent<T> where T : KubeObject
{
    /// <summary>The object as it is now.</summary>
    public sealed record Observed(T Object) : FeedEvent<T>;

    /// <summary>The object no longer exists; <paramref name="Last"/> is the last version seen.</summary>
    public sealed record Gone(T Last) : FeedEvent<T>;

    /// <summary>Everything that existed when the feed started (or had to list again) has been told.</summary>
    public sealed record Synced : FeedEvent<T>;
}

/// <param name="Namespace">Null for all.</param>
/// <param name="PageSize">Objects per page of the list.</param>
/// <param name="WatchTimeout">How long one watch request lives; half as much again without any event or bookmark counts as a stall.</param>
public sealed record FeedOptions(
    string? Namespace = null, string? LabelSelector = null, string? FieldSelector = null, int PageSize = 500,
    TimeSpan? WatchTimeout = null, TimeSpan? MinBackoff = null, TimeSpan? MaxBackoff = null);
