using System.Threading.Channels;
using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Tests.Support;
using Troupe.Messages.Api.Core;
using Xunit;
using static Troupe.Kubernetes.Tests.Support.ScriptedClient;

namespace Troupe.Kubernetes.Tests.Feeds;

public sealed class SharedFeedTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ActorSystem _system = ActorSystem.Create("shared", "akka { loglevel = ERROR, stdout-loglevel = ERROR }");
    private readonly Channel<WatchEvent<ConfigMap>> _events = Channel.CreateUnbounded<WatchEvent<ConfigMap>>();
    private readonly ScriptedClient _client;

    public SharedFeedTests() => _client = new ScriptedClient { OnList = _ => List("7", Map("a", "1")), OnWatch = _ => _events.Reader.ReadAllAsync() };

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await _system.Terminate();

    [Fact]
    public async Task All_who_follow_a_kind_share_one_watch_and_whoever_comes_later_is_told_what_there_is()
    {
        var first = Follow();
        Assert.Equal("+a@1 =", await Next(first, 2));
        _events.Writer.TryWrite(new(WatchEventType.Added, Map("b", "8")));
        Assert.Equal("+b@8", await Next(first, 1));

        var second = Follow();
        Assert.Equal("+a@1 +b@8 =", await Next(second, 3));
        _events.Writer.TryWrite(new(WatchEventType.Deleted, Map("a", "9")));
        Assert.Equal("-a -a", $"{await Next(first, 1)} {await Next(second, 1)}");
        Assert.Equal("+b@8 =", await Next(Follow(), 2));
        Assert.Equal(("list", "watch"), (await _client.Calls.ReadAsync(), await _client.Calls.ReadAsync()));
        Assert.False(_client.Calls.TryRead(out var more), more);
    }

    [Fact]
    public async Task An_actor_that_starts_again_hears_everything_once_more_and_nothing_twice()
    {
        var heard = Channel.CreateUnbounded<string>();
        var actor = _system.ActorOf(Props.Create(() => new Follower(_client, heard.Writer)));
        Assert.Equal("+a@1 =", await Next(heard, 2));
        actor.Tell("fail");
        Assert.Equal("+a@1 =", await Next(heard, 2));
        _events.Writer.TryWrite(new(WatchEventType.Added, Map("b", "8")));
        _events.Writer.TryWrite(new(WatchEventType.Deleted, Map("b", "9")));
        Assert.Equal("+b@8 -b", await Next(heard, 2));
    }

    private Channel<string> Follow()
    {
        var heard = Channel.CreateUnbounded<string>();
        SharedFeeds.Follow<ConfigMap>(_system, _client, TimeProvider.System, NullLogger.Instance, e => heard.Writer.TryWrite(FeedReader.Words(e)));
        return heard;
    }

    private static async Task<string> Next(Channel<string> heard, int count)
    {
        using var deadline = new CancellationTokenSource(Patience);
        List<string> told = [];
        while (told.Count < count)
            told.Add(await heard.Reader.ReadAsync(deadline.Token));
        return string.Join(' ', told);
    }

    private sealed class Follower : ReceiveActor
    {
        public Follower(IKubeClient client, ChannelWriter<string> heard)
        {
            Context.FollowShared<ConfigMap>(client, TimeProvider.System, NullLogger.Instance);
            Receive<FeedEvent<ConfigMap>>(e => heard.TryWrite(FeedReader.Words(e)));
            Receive<string>(_ => throw new InvalidOperationException("start again"));
        }
    }
}
