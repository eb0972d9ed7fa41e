using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Core;
using Xunit;

namespace Troupe.Kubernetes.Tests.Feeds;

/// <summary>Takes events from a feed of config maps, one by one.</summary>
internal sealed class FeedReader : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ActorSystem _system = ActorSystem.Create("feed", "akka { loglevel = ERROR, stdout-loglevel = ERROR }");
    private readonly ISinkQueue<FeedEvent<ConfigMap>> _queue;

    public FeedReader(IKubeClient client, FeedOptions options) =>
        _queue = WatchFeed.Source<ConfigMap>(client, options, TimeProvider.System, NullLogger.Instance).RunWith(Sink.Queue<FeedEvent<ConfigMap>>(), _system.Materializer());

    public async Task<FeedEvent<ConfigMap>> Next()
    {
        var next = await _queue.PullAsync().WaitAsync(Patience);
        Assert.True(next.HasValue, "the feed ended");
        return next.Value;
    }

    /// <summary>The next so many events: `+name@version` for an object, `-name` for one that is gone, `=` for a complete list.</summary>
    public async Task<string> Next(int count)
    {
        List<string> told = [];
        for (var i = 0; i < count; i++)
            told.Add(Words(await Next()));
        return string.Join(' ', told);
    }

    public static string Words(FeedEvent<ConfigMap> e) => e switch
    {
        FeedEvent<ConfigMap>.Observed o => $"+{o.Object.Metadata.Name}@{o.Object.Metadata.ResourceVersion}",
        FeedEvent<ConfigMap>.Gone g => $"-{g.Last.Metadata.Name}",
        _ => "=",
    };

    public async ValueTask DisposeAsync() => await _system.Terminate();
}
