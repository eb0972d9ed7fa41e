using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Tests.Support;
using Troupe.Messages.Api.Core;
using Xunit;

namespace Troupe.Kubernetes.Tests.Feeds;

/// <summary>The feed against a real API server, over TLS and HTTP/2.</summary>
public sealed class WatchFeedOnDevClusterTests
{
    private static readonly FeedOptions Options = new("default", "test=yes", PageSize: 2, MinBackoff: TimeSpan.FromMilliseconds(5), MaxBackoff: TimeSpan.FromMilliseconds(50));

    [Fact]
    public async Task It_tells_what_there_is_in_pages_and_then_what_happens()
    {
        await using var cluster = await OwnCluster.StartAsync();
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
            await cluster.CreateAsync(name);
        await using var feed = new FeedReader(cluster.Client, Options);
        Assert.Equal("a b c d e =", await Names(feed, 6));

        var made = await cluster.CreateAsync("f");
        Assert.Equal($"+f@{made.Metadata.ResourceVersion}", await feed.Next(1));
        await cluster.Client.DeleteAsync<ConfigMap>("default", "a");
        Assert.Equal("-a", await feed.Next(1));
    }

    [Fact]
    public async Task When_the_server_forgot_the_version_nothing_that_happened_meanwhile_is_missed()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await cluster.CreateAsync("kept");
        await cluster.CreateAsync("lost");
        var client = new Interruptible(cluster.Client);
        await using var feed = new FeedReader(client, Options);
        Assert.Equal("kept lost =", await Names(feed, 3));

        await client.CutAsync(async () =>
        {
            await cluster.Client.DeleteAsync<ConfigMap>("default", "lost");
            await cluster.CreateAsync("new");
            cluster.Host.Compact();
        });
        Assert.Equal("-lost new =", await Names(feed, 3));
    }

    [Fact]
    public async Task Watches_that_end_again_and_again_lose_nothing()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await using var feed = new FeedReader(cluster.Client, Options with { WatchTimeout = TimeSpan.FromSeconds(1) });
        Assert.Equal("=", await Names(feed, 1));
        for (var i = 0; i < 30; i++)
        {
            await cluster.CreateAsync($"n{i}");
            Assert.Equal($"n{i}", await Names(feed, 1));
            // Some fall between two watches.
            await Task.Delay(TimeSpan.FromMilliseconds(i % 3 * 60));
        }
    }

    private static async Task<string> Names(FeedReader feed, int count) =>
        string.Join(' ', (await feed.Next(count)).Split(' ').Select(word => word.TrimStart('+').Split('@')[0]));
}
