using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Watches(ApiServer server) : Topic(server)
{
    private const string Mine = "labelSelector=mine";
    private const string Label = """ "labels":{"mine":"1"} """;

    [Fact]
    public async Task A_watch_resumed_from_a_version_tells_what_came_after_it()
    {
        var version = (await ConfigMap("a", metadata: Label)).Version;
        await ConfigMap("b", metadata: Label);
        await Patch(In("configmaps/a"), """{"data":{"k":"2"}}""");
        await Delete(In("configmaps/b"));
        await using var watch = await OpenAsync($"configmaps?watch=1&{Mine}&resourceVersion={version}");
        Assert.Equal(["ADDED b", "MODIFIED a", "DELETED b"], await watch.TakeAsync(3));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&resourceVersion=0")]
    [InlineData("&resourceVersion=")]
    public async Task A_watch_without_a_version_begins_with_what_there_is(string version)
    {
        await ConfigMap("a", metadata: Label);
        await ConfigMap("b", metadata: Label);
        await using var watch = await OpenAsync($"configmaps?watch=true&{Mine}{version}");
        Assert.Equal(["ADDED a", "ADDED b"], (await watch.TakeAsync(2)).Order());
        await Delete(In("configmaps/a"));
        Assert.Equal(["DELETED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task A_deletion_has_a_version_of_its_own_and_the_last_state()
    {
        var created = await ConfigMap("a", metadata: Label);
        await using var watch = await OpenAsync($"configmaps?watch=1&{Mine}&resourceVersion={created.Version}");
        await Delete(In("configmaps/a"));
        var e = await watch.NextAsync();
        Assert.Equal(("DELETED", "1"), (e.Text("type"), e.Text("object.data.k")));
        Assert.True(long.Parse(e.Text("object.metadata.resourceVersion")!) > long.Parse(created.Version));
    }

    [Fact]
    public async Task An_object_that_enters_or_leaves_a_label_selection_is_added_or_deleted()
    {
        await using var watch = await OpenAsync("configmaps?watch=1&labelSelector=on=yes");
        await ConfigMap("a");
        foreach (var value in new[] { "yes", "no", "yes" })
            await Patch(In("configmaps/a"), $$$$"""{"metadata":{"labels":{"on":"{{{{value}}}}"}}}""");
        await Delete(In("configmaps/a"));
        Assert.Equal(["ADDED a", "DELETED a", "ADDED a", "DELETED a"], await watch.TakeAsync(4));
    }

    [Fact]
    public async Task An_object_is_watched_by_name()
    {
        await using var watch = await OpenAsync("configmaps?watch=1&fieldSelector=metadata.name=b");
        await ConfigMap("a");
        await ConfigMap("b");
        Assert.Equal(["ADDED b"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task The_old_watch_paths_still_work()
    {
        await ConfigMap("a");
        await using var watch = await OpenAsync("watch/configmaps/a");
        Assert.Equal(["ADDED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task Every_event_is_a_whole_object_with_its_type()
    {
        await ConfigMap("a", metadata: Label);
        await using var watch = await OpenAsync($"configmaps?watch=1&{Mine}");
        var e = await watch.NextAsync();
        Assert.Equal(("ConfigMap", "v1", "1"), (e.Text("object.kind"), e.Text("object.apiVersion"), e.Text("object.data.k")));
    }

    [Fact]
    public async Task A_watch_ends_when_its_time_is_over()
    {
        await using var watch = await OpenAsync($"configmaps?watch=1&timeoutSeconds=1&{Mine}");
        Assert.Null(await watch.LineAsync());
    }

    [Fact]
    public async Task A_bookmark_comes_before_the_end_when_asked_for()
    {
        await using var watch = await OpenAsync($"configmaps?watch=1&timeoutSeconds=5&allowWatchBookmarks=true&{Mine}");
        var bookmark = await watch.NextAsync();
        Assert.Equal(("BOOKMARK", "ConfigMap"), (bookmark.Text("type"), bookmark.Text("object.kind")));
        await using var resumed = await OpenAsync($"configmaps?watch=1&resourceVersion={bookmark.Text("object.metadata.resourceVersion")}&{Mine}");
        await ConfigMap("a", metadata: Label);
        Assert.Equal(["ADDED a"], await resumed.TakeAsync(1));
    }

    [Fact]
    public async Task Initial_events_end_with_an_annotated_bookmark()
    {
        Needs(32, "sendInitialEvents");
        await ConfigMap("a", metadata: Label);
        await using var watch = await OpenAsync($"configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&{Mine}");
        Assert.Equal("ADDED", (await watch.NextAsync()).Text("type"));
        var end = await watch.NextAsync();
        Assert.Equal(("BOOKMARK", "true"), (end.Text("type"), end.Text("object.metadata.annotations['k8s.io/initial-events-end']")));
    }

    [Theory]
    [InlineData("sendInitialEvents=true", "resourceVersionMatch")]
    [InlineData("sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1", "resourceVersionMatch")]
    [InlineData("resourceVersionMatch=NotOlderThan", "resourceVersionMatch")]
    public async Task Contradicting_watch_options_are_refused(string query, string field)
    {
        Needs(32, "sendInitialEvents");
        var answer = await Get(In("configmaps?watch=1&" + query));
        Assert.Equal(422, answer.Code);
        Assert.Contains(field, answer.CauseFields);
    }

    [Fact]
    public async Task A_version_older_than_the_history_is_gone()
    {
        await ConfigMap("a");
        var forgotten = Server.ForgetHistory();
        await using var watch = await OpenAsync("configmaps?watch=1&resourceVersion=1");
        var error = await watch.NextAsync();
        Assert.SkipUnless(forgotten || error.Text("type") == "ERROR", "this server still remembers its first version");
        Assert.Equal(("ERROR", "Status", "410", "Expired"), (error.Text("type"), error.Text("object.kind"), error.Text("object.code"), error.Text("object.reason")));
    }

    [Fact]
    public async Task Tables_and_bare_metadata_can_be_watched()
    {
        await ConfigMap("a", metadata: Label);
        await using var tables = await OpenAsync($"configmaps?watch=1&{Mine}", "application/json;as=Table;v=v1;g=meta.k8s.io");
        var first = await tables.NextAsync();
        Assert.Equal(("Table", "Name", "a"), (first.Text("object.kind"), first.Text("object.columnDefinitions[0].name"), first.Text("object.rows[0].cells[0]")));
        await ConfigMap("b", metadata: Label);
        Assert.Null((await tables.NextAsync()).At("object.columnDefinitions[0]"));
        await using var partial = await OpenAsync($"configmaps?watch=1&{Mine}", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
        var metadata = await partial.NextAsync();
        Assert.Equal(("PartialObjectMetadata", null), (metadata.Text("object.kind"), metadata.At("object.data")));
    }

    [Fact]
    public async Task Many_watchers_all_see_everything_in_order()
    {
        var version = (await Get(In("configmaps"))).Version;
        var watches = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OpenAsync($"configmaps?watch=1&{Mine}&resourceVersion={version}")));
        var names = Enumerable.Range(0, 20).Select(i => $"w{i}").ToList();
        foreach (var name in names)
            await ConfigMap(name, metadata: Label);
        foreach (var watch in watches)
        {
            Assert.Equal(names.Select(n => "ADDED " + n), await watch.TakeAsync(20));
            await watch.DisposeAsync();
        }
    }

    private async Task<Watch> OpenAsync(string resource, string? accept = null)
    {
        var path = resource.StartsWith("watch/", StringComparison.Ordinal) ? $"/api/v1/watch/namespaces/{Namespace}/{resource[6..]}" : In(resource);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await Server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if ((int)response.StatusCode != 200)
            throw new InvalidOperationException($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return new Watch(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    private sealed class Watch(HttpResponseMessage response, StreamReader lines) : IAsyncDisposable
    {
        public async Task<string?> LineAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            return await lines.ReadLineAsync(patience.Token);
        }

        public async Task<JsonNode> NextAsync() => JsonNode.Parse(await LineAsync() ?? throw new EndOfStreamException("the watch ended"))!;

        public async Task<List<string>> TakeAsync(int count)
        {
            var seen = new List<string>();
            while (seen.Count < count)
            {
                var e = await NextAsync();
                seen.Add($"{e.Text("type")} {e.Text("object.metadata.name")}");
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
