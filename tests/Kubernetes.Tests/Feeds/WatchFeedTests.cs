using System.Collections.Concurrent;
using System.Diagnostics;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Tests.Support;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.Kubernetes.Tests.Support.ScriptedClient;

namespace Troupe.Kubernetes.Tests.Feeds;

public sealed class WatchFeedTests
{
    private static readonly FeedOptions Quick = new(MinBackoff: TimeSpan.FromMilliseconds(1), MaxBackoff: TimeSpan.FromMilliseconds(5));

    [Fact]
    public async Task A_list_is_read_page_by_page_and_the_watch_begins_where_it_ended()
    {
        var watched = new TaskCompletionSource<ListQuery>();
        var client = new ScriptedClient
        {
            OnList = query => query.Continue switch
            {
                null => Page("7", "more", Map("a", "1")),
                "more" => Page("7", null, Map("b", "2")),
                _ => throw new InvalidOperationException(query.Continue),
            },
            OnWatch = query =>
            {
                watched.TrySetResult(query);
                return Forever();
            },
        };
        await using var feed = new FeedReader(client, Quick with { PageSize = 1, LabelSelector = "app=x" });
        Assert.Equal("+a@1 +b@2 =", await feed.Next(3));
        var query = await watched.Task;
        Assert.Equal(("7", "app=x", true), (query.ResourceVersion, query.LabelSelector, query.AllowBookmarks));
        // Jittered by a tenth, so that not all feeds of a process end at once.
        Assert.InRange(query.TimeoutSeconds!.Value, 270, 330);
    }

    [Fact]
    public async Task A_watch_that_ends_is_resumed_after_its_last_event_or_bookmark_without_a_list()
    {
        var versions = new ConcurrentQueue<string?>();
        var watches = new Queue<IAsyncEnumerable<WatchEvent<ConfigMap>>>(
        [
            Events(new WatchEvent<ConfigMap>(WatchEventType.Added, Map("a", "8"))),
            Failing(new HttpRequestException("reset"), new WatchEvent<ConfigMap>(WatchEventType.Bookmark, Map("", "15"))),
            Silent([new(WatchEventType.Deleted, Map("a", "16"))]),
        ]);
        var client = new ScriptedClient
        {
            OnWatch = query =>
            {
                versions.Enqueue(query.ResourceVersion);
                return watches.Dequeue();
            },
        };
        await using var feed = new FeedReader(client, Quick);
        Assert.Equal("= +a@8 -a", await feed.Next(3));
        Assert.Equal(["1", "8", "15"], versions);
        Assert.Equal(["list", "watch", "watch", "watch"], await CallsOf(client, 4));
    }

    [Fact]
    public async Task After_410_it_lists_again_and_tells_the_difference_only()
    {
        var lists = new Queue<KubeList<ConfigMap>>([List("5", Map("kept", "1"), Map("changed", "2"), Map("lost", "3")), List("50", Map("kept", "1"), Map("changed", "40"), Map("new", "41"))]);
        var watches = new Queue<IAsyncEnumerable<WatchEvent<ConfigMap>>>([Failing(Refusal(410, "Expired")), Forever()]);
        var client = new ScriptedClient
        {
            OnList = _ => lists.Dequeue(),
            OnWatch = _ => watches.Dequeue(),
        };
        await using var feed = new FeedReader(client, Quick);
        Assert.Equal("+kept@1 +changed@2 +lost@3 = -lost +changed@40 +new@41 =", await feed.Next(8));
    }

    [Fact]
    public async Task What_was_made_again_under_its_name_is_told_as_gone_first()
    {
        var lists = new Queue<KubeList<ConfigMap>>([List("5", Map("a", "1", "old")), List("9", Map("a", "8", "new"))]);
        var watches = new Queue<IAsyncEnumerable<WatchEvent<ConfigMap>>>([Failing(Refusal(410, "Expired")), Forever()]);
        var client = new ScriptedClient
        {
            OnList = _ => lists.Dequeue(),
            OnWatch = _ => watches.Dequeue(),
        };
        await using var feed = new FeedReader(client, Quick);
        Assert.Equal("+a@1 = -a +a@8 =", await feed.Next(5));
    }

    [Fact]
    public async Task A_connection_that_falls_silent_is_given_up_and_made_anew()
    {
        var watches = new Queue<IAsyncEnumerable<WatchEvent<ConfigMap>>>([Forever(), Silent([new(WatchEventType.Added, Map("a", "8"))])]);
        var client = new ScriptedClient { OnWatch = _ => watches.Dequeue() };
        await using var feed = new FeedReader(client, Quick with { WatchTimeout = TimeSpan.FromMilliseconds(200) });
        Assert.Equal("= +a@8", await feed.Next(2));
    }

    [Fact]
    public async Task Whatever_a_list_fails_with_the_feed_goes_on_and_waits_longer_each_time()
    {
        var failures = 6;
        var times = new ConcurrentQueue<long>();
        var client = new ScriptedClient
        {
            OnList = _ =>
            {
                times.Enqueue(Stopwatch.GetTimestamp());
                return --failures >= 0 ? throw (failures % 2 == 0 ? new HttpRequestException("refused") : Refusal(500, "InternalError")) : List("1", Map("a", "1"));
            },
        };
        await using var feed = new FeedReader(client, Quick with { MaxBackoff = TimeSpan.FromMilliseconds(50) });
        Assert.Equal("+a@1 =", await feed.Next(2));
        Assert.Equal(7, times.Count);
    }

    [Fact]
    public async Task A_watch_that_is_refused_at_once_is_not_hammered()
    {
        var watches = 0;
        var client = new ScriptedClient
        {
            OnWatch = _ => Interlocked.Increment(ref watches) <= 3 ? Events() : Silent([new(WatchEventType.Added, Map("a", "8"))]),
        };
        var began = Stopwatch.GetTimestamp();
        await using var feed = new FeedReader(client, new FeedOptions(MinBackoff: TimeSpan.FromMilliseconds(40), MaxBackoff: TimeSpan.FromMilliseconds(40)));
        Assert.Equal("= +a@8", await feed.Next(2));
        // Half of the bound is the least of a full jitter here.
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(3 * 20));
    }

    [Fact]
    public async Task While_nobody_takes_events_versions_of_one_object_collapse_and_no_object_is_lost()
    {
        var events = Enumerable.Range(1, 1000).Select(i => new WatchEvent<ConfigMap>(WatchEventType.Modified, Map($"m{i % 3}", $"{i + 10}")))
            .Append(new(WatchEventType.Deleted, Map("m0", "2000"))).Append(new(WatchEventType.Added, Map("last", "2001")));
        var allRead = new TaskCompletionSource();
        IEnumerable<WatchEvent<ConfigMap>> Watched()
        {
            foreach (var e in events)
                yield return e;
            allRead.SetResult();
        }

        var client = new ScriptedClient { OnWatch = _ => Silent(Watched()) };
        await using var feed = new FeedReader(client, Quick);
        await allRead.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var latest = new Dictionary<string, string>();
        var taken = 0;
        for (var told = ""; told != "+last@2001"; taken++)
        {
            told = FeedReader.Words(await feed.Next());
            latest[told.TrimStart('+', '-').Split('@')[0]] = told;
        }

        Assert.Equal(("-m0", "+m1@1010", "+m2@1008"), (latest["m0"], latest["m1"], latest["m2"]));
        Assert.True(taken < 900, $"{taken} events were taken");
    }

    private static async Task<List<string>> CallsOf(ScriptedClient client, int count)
    {
        List<string> calls = [];
        while (calls.Count < count)
            calls.Add(await client.Calls.ReadAsync());
        return calls;
    }

    private static KubeList<ConfigMap> Page(string version, string? next, params ConfigMap[] items) => List(version, items) with
    {
        Metadata = new ListMeta
        {
            ResourceVersion = version,
            Continue = next,
        },
    };
}
