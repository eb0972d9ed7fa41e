using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

public sealed class WatchTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() =>
        _cluster = await TestCluster.StartAsync(o => o with { WatchQueueLength = 50, BookmarkInterval = TimeSpan.FromMilliseconds(100) });

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_watch_resumed_from_a_version_tells_what_came_after_it()
    {
        var version = (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"))).Body.Str("metadata", "resourceVersion");
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("b"));
        await _cluster.SendAsync("PATCH", ConfigMaps + "/a", Parse("""{"data":{"k":"2"}}"""), "application/merge-patch+json");
        var (_, gone) = await _cluster.SendAsync("DELETE", ConfigMaps + "/b");
        Assert.Equal("Success", gone.Str("status"));
        await using var watch = await OpenAsync($"?watch=1&resourceVersion={version}");
        Assert.Equal(["ADDED b", "MODIFIED a", "DELETED b"], await watch.TakeAsync(3));
    }

    [Fact]
    public async Task A_watch_without_a_version_begins_with_what_there_is_and_goes_on_live()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        await using var watch = await OpenAsync("?watch=true&fieldSelector=metadata.name=a");
        Assert.Equal(["ADDED a"], await watch.TakeAsync(1));
        await _cluster.SendAsync("DELETE", ConfigMaps + "/a");
        Assert.Equal(["DELETED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task An_object_that_enters_or_leaves_the_selection_is_added_or_deleted()
    {
        await using var watch = await OpenAsync("?watch=1&labelSelector=on=yes");
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        foreach (var value in new[] { "yes", "no" })
            await _cluster.SendAsync("PATCH", ConfigMaps + "/a", Parse($$$$"""{"metadata":{"labels":{"on":"{{{{value}}}}"}}}"""), "application/merge-patch+json");
        Assert.Equal(["ADDED a", "DELETED a"], await watch.TakeAsync(2));
    }

    [Fact]
    public async Task Initial_events_end_with_an_annotated_bookmark_and_bookmarks_go_on()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"));
        await using var watch = await OpenAsync("?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name=a");
        Assert.Equal("ADDED", (await watch.NextAsync()).Str("type"));
        var end = await watch.NextAsync();
        Assert.Equal(("BOOKMARK", "true"), (end.Str("type"), end.Str("object", "metadata", "annotations", "k8s.io/initial-events-end")));
        // A change elsewhere moves the bookmarks of this watch on as well.
        var other = long.Parse((await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"other"}}"""))).Body.Str("metadata", "resourceVersion")!);
        while (long.Parse((await watch.NextAsync()).Str("object", "metadata", "resourceVersion")!) < other)
        {
        }
    }

    [Fact]
    public async Task A_version_older_than_the_history_is_410_Gone()
    {
        var version = (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("a"))).Body.Str("metadata", "resourceVersion");
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("b"));
        _cluster.Host.Compact();
        await using var watch = await OpenAsync($"?watch=1&resourceVersion={version}");
        var error = await watch.NextAsync();
        Assert.Equal(("ERROR", 410L, "Expired"), (error.Str("type"), error.Int("object", "code"), error.Str("object", "reason")));
    }

    [Fact]
    public async Task A_watch_ends_when_its_time_is_over()
    {
        await using var watch = await OpenAsync("?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=none");
        Assert.Null(await watch.LineAsync());
    }

    [Fact]
    public async Task A_watcher_that_never_reads_is_cut_off_and_nobody_else_notices()
    {
        await using var reader = await OpenAsync("?watch=1&fieldSelector=metadata.name=target");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        var url = new Uri(_cluster.Host.Url);
        await socket.ConnectAsync(url.Host, url.Port);
        await using var tls = new SslStream(new NetworkStream(socket));
        var options = Trusting(_cluster.Host.CertificateAuthority, _cluster.Host.AdminCertificate);
        options.TargetHost = "localhost";
        await tls.AuthenticateAsClientAsync(options);
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {ConfigMaps}?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));

        var big = new string('x', 100_000);
        var events = reader.TakeAsync(401);
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("target"));
        for (var i = 0; i < 400; i++)
            await _cluster.SendAsync("PUT", ConfigMaps + "/target", ConfigMap("target", big + i));
        Assert.Equal(["ADDED target", .. Enumerable.Repeat("MODIFIED target", 400)], await events);

        // What was buffered can still be read; then comes the end, far short of all 400 events.
        long received = 0;
        var buffer = new byte[64 * 1024];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            int read;
            while ((read = await tls.ReadAsync(buffer, patience.Token)) > 0)
                received += read;
        }
        catch (IOException)
        {
            // Reset: cut off as well.
        }
        Assert.True(received < 300L * big.Length, $"{received} bytes came through");
    }

    [Fact]
    public async Task A_thousand_watches_fit_on_one_HTTP2_connection()
    {
        using var client = _cluster.Client();
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        var watches = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ =>
            client.GetAsync(ConfigMaps + "?watch=1&fieldSelector=metadata.name=x", HttpCompletionOption.ResponseHeadersRead)));
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("x"));
        foreach (var watch in watches)
        {
            using var lines = new StreamReader(await watch.Content.ReadAsStreamAsync());
            Assert.Contains("ADDED", await lines.ReadLineAsync());
            watch.Dispose();
        }
    }

    private async Task<Watch> OpenAsync(string query)
    {
        var response = await _cluster.Http.GetAsync(ConfigMaps + query, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new Watch(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private sealed class Watch(HttpResponseMessage response, StreamReader lines) : IAsyncDisposable
    {
        public async Task<string?> LineAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            return await lines.ReadLineAsync(patience.Token);
        }

        public async Task<JsonObject> NextAsync() => Parse(await LineAsync() ?? throw new EndOfStreamException());

        public async Task<List<string>> TakeAsync(int count)
        {
            var seen = new List<string>();
            while (seen.Count < count)
            {
                var e = await NextAsync();
                seen.Add($"{e.Str("type")} {e.Str("object", "metadata", "name")}");
            }
            return seen;
        }

        public ValueTask DisposeAsync()
        {
            response.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
