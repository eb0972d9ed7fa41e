using System.Runtime.CompilerServices;
using Akka;
using Akka.Streams.Dsl;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Feeds;

/// <summary>One list+watch as an endless Akka stream: it never fails, it reconnects.</summary>
public static class WatchFeed
{
    private static readonly TimeSpan DefaultWatchTimeout = TimeSpan.FromMinutes(5);

    public static Source<FeedEvent<T>, NotUsed> Source<T>(IKubeClient client, FeedOptions options, TimeProvider time, ILogger log) where T : KubeObject =>
        Akka.Streams.Dsl.Source.From(() => Events<T>(client, options, time, log))
            // A burst of versions of one object collapses while the consumer is busy; different objects never displace one another.
            // Free of cost, or the batch would be full with its first event.
            .BatchWeighted(1L, _ => 0L, Pending<T>.Of, (pending, e) => pending.Add(e))
            .SelectMany(pending => pending.Events);

    private static async IAsyncEnumerable<FeedEvent<T>> Events<T>(IKubeClient client, FeedOptions options, TimeProvider time, ILogger log, [EnumeratorCancellation] CancellationToken ct = default)
        where T : KubeObject
    {
        var cache = new FeedCache<T>();
        var backoff = new Backoff(options.MinBackoff ?? TimeSpan.FromMilliseconds(100), options.MaxBackoff ?? TimeSpan.FromSeconds(15));
        string? version = null;
        while (!ct.IsCancellationRequested)
        {
            if (version is null)
            {
                IReadOnlyList<T>? listed = null;
                try
                {
                    (listed, version) = await ListAll<T>(client, options, ct).ConfigureAwait(false);
                    backoff.Reset();
                }
                catch (Exception e) when (!ct.IsCancellationRequested)
                {
                    log.LogWarning("list of {Kind} failed, trying again: {Error}", typeof(T).Name, e.Message);
                }

                if (listed is null)
                {
                    await Task.Delay(backoff.Next(), time, ct).ConfigureAwait(false);
                    continue;
                }

                foreach (var e in cache.Replace(listed))
                    yield return e;
                yield return new FeedEvent<T>.Synced();
            }

            var timeout = (options.WatchTimeout ?? DefaultWatchTimeout) * (0.9 + (Random.Shared.NextDouble() * 0.2));
            using var stall = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var watch = client.WatchAsync<T>(options.Namespace, new ListQuery(options.LabelSelector, options.FieldSelector, ResourceVersion: version,
                TimeoutSeconds: Math.Max(1, (int)timeout.TotalSeconds), AllowBookmarks: true), stall.Token).GetAsyncEnumerator(stall.Token);
            var healthy = false;
            var began = time.GetTimestamp();
            try
            {
                while (true)
                {
                    WatchEvent<T> e;
                    try
                    {
                        // A half-open connection delivers nothing and reports nothing: the server must say something in this time.
                        if (!await watch.MoveNextAsync().AsTask().WaitAsync(timeout * 1.5, time, ct).ConfigureAwait(false))
                            break;
                        e = watch.Current;
                        healthy = true;
                    }
                    catch (KubeException e410) when (e410.IsGone)
                    {
                        version = null;
                        break;
                    }
                    catch (Exception broken) when (!ct.IsCancellationRequested)
                    {
                        log.LogInformation("watch of {Kind} broke, resuming: {Error}", typeof(T).Name, broken.Message);
                        break;
                    }

                    version = e.Object.Metadata.ResourceVersion ?? version;
                    if (cache.Apply(e.Type, e.Object) is { } told)
                        yield return told;
                }
            }
            finally
            {
                await stall.CancelAsync().ConfigureAwait(false);
                try
                {
                    await watch.DisposeAsync().ConfigureAwait(false);
                }
                catch (NotSupportedException)
                {
                    // A MoveNext that the watchdog gave up on is still pending; the cancelled token ends it.
                }
            }

            // Nothing may have happened in all the time that a watch lives; one that ends at once is refused in all but name.
            if (healthy || time.GetElapsedTime(began) > timeout / 2)
                backoff.Reset();
            else if (!ct.IsCancellationRequested)
                await Task.Delay(backoff.Next(), time, ct).ConfigureAwait(false);
        }
    }

    private static async Task<(IReadOnlyList<T>, string?)> ListAll<T>(IKubeClient client, FeedOptions options, CancellationToken ct) where T : KubeObject
    {
        List<T> all = [];
        string? page = null;
        while (true)
        {
            var list = await client.ListAsync<T>(options.Namespace, new ListQuery(options.LabelSelector, options.FieldSelector, options.PageSize, page), ct).ConfigureAwait(false);
            all.AddRange(list.Items);
            page = list.Metadata.Continue;
            if (string.IsNullOrEmpty(page))
                return (all, list.Metadata.ResourceVersion);
        }
    }

    /// <summary>Events that wait for the consumer, at most one for each object.</summary>
    private sealed class Pending<T> where T : KubeObject
    {
        private readonly Dictionary<string, LinkedListNode<FeedEvent<T>>> _latest = [];
        private readonly LinkedList<FeedEvent<T>> _events = new();

        public IEnumerable<FeedEvent<T>> Events => _events;

        public static Pending<T> Of(FeedEvent<T> first) => new Pending<T>().Add(first);

        public Pending<T> Add(FeedEvent<T> e)
        {
            var key = e switch
            {
                FeedEvent<T>.Observed o => o.Object.Metadata.Uid,
                FeedEvent<T>.Gone g => g.Last.Metadata.Uid,
                _ => null,
            };
            if (key is not null && _latest.TryGetValue(key, out var older))
                _events.Remove(older);
            var node = _events.AddLast(e);
            if (key is not null)
                _latest[key] = node;
            return this;
        }
    }
}
