using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Tests.Support;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Xunit;
using static Troupe.Kubernetes.Tests.Support.ScriptedClient;

namespace Troupe.Kubernetes.Tests.Writers;

public sealed class ObjectWriterTests
{
    [Fact]
    public async Task What_changes_nothing_is_not_written()
    {
        var map = Map("a", "1");
        Assert.Same(map, await Writer(new ScriptedClient()).UpdateAsync(map, m => m with { }));
    }

    [Fact]
    public async Task After_a_conflict_the_change_is_made_to_the_version_that_won()
    {
        var patches = new List<JsonObject>();
        var client = new ScriptedClient
        {
            OnPatch = (name, patch) =>
            {
                patches.Add(patch);
                return patches.Count < 3 ? throw Refusal(409, "Conflict", name) : Map(name, "9");
            },
            OnGet = name => Map(name, $"{patches.Count + 1}") with { Data = new Dictionary<string, string> { ["theirs"] = $"{patches.Count}" } },
        };
        await Writer(client).UpdateAsync(Map("a", "1"), m => m with { Data = new Dictionary<string, string>(m.Data ?? new Dictionary<string, string>()) { ["ours"] = "x" } });
        Assert.Equal(["1", "2", "3"], patches.Select(p => (string?)p["metadata"]!["resourceVersion"]));
        Assert.All(patches, p => Assert.Equal("x", (string?)p["data"]!["ours"]));
        Assert.False(patches[2]["data"]!.AsObject().ContainsKey("theirs"));
    }

    [Fact]
    public async Task Another_object_under_the_same_name_is_left_alone()
    {
        var client = new ScriptedClient
        {
            OnPatch = (name, _) => throw Refusal(409, "Conflict", name),
            OnGet = name => Map(name, "5", "another"),
        };
        var error = await Assert.ThrowsAsync<KubeException>(() => Writer(client).UpdateAsync(Map("a", "1"), Changed));
        Assert.True(error.IsNotFound);
        Assert.Equal(["patch", "get"], [await client.Calls.ReadAsync(), await client.Calls.ReadAsync()]);
    }

    [Fact]
    public async Task Whoever_loses_every_time_is_told()
    {
        var client = new ScriptedClient
        {
            OnPatch = (name, _) => throw Refusal(409, "Conflict", name),
            OnGet = name => Map(name, "5"),
        };
        Assert.True((await Assert.ThrowsAsync<KubeException>(() => Writer(client).UpdateAsync(Map("a", "1"), Changed))).IsConflict);
    }

    [Fact]
    public async Task Writers_of_one_object_side_by_side_lose_nothing_on_a_real_server()
    {
        await using var cluster = await OwnCluster.StartAsync();
        var map = await cluster.CreateAsync("shared");
        var writer = Writer(cluster.Client);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => writer.UpdateAsync(map, m => m with { Data = new Dictionary<string, string>(m.Data!) { [$"writer-{i}"] = "was here" } })));
        var end = await cluster.Client.GetAsync<ConfigMap>("default", "shared");
        Assert.Equal(["value", "writer-0", "writer-1", "writer-2", "writer-3"], end.Data!.Keys.Order());
    }

    [Fact]
    public async Task What_is_applied_no_more_is_removed_and_what_others_set_stays()
    {
        await using var cluster = await OwnCluster.StartAsync();
        var theirs = await cluster.CreateAsync("applied");
        var writer = Writer(cluster.Client);
        var ours = new ConfigMap { Metadata = theirs.Metadata with { ResourceVersion = null, Uid = null, ManagedFields = null, CreationTimestamp = null, Labels = null } };
        await writer.ApplyAsync(ours with { Data = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } }, "test");
        var end = await writer.ApplyAsync(ours with { Data = new Dictionary<string, string> { ["b"] = "3" } }, "test");
        Assert.Equal([("b", "3"), ("value", "1")], end.Data!.OrderBy(d => d.Key).Select(d => (d.Key, d.Value)));
    }

    [Fact]
    public async Task A_kind_that_is_not_served_is_no_missing_object()
    {
        await using var cluster = await OwnCluster.StartAsync();
        Assert.Null(await cluster.Client.FindAsync<ConfigMap>("default", "nobody"));
        var error = await Assert.ThrowsAsync<KubeException>(() => cluster.Client.FindAsync<Messages.Api.KubeVirt.VirtualMachineInstance>("default", "nobody"));
        Assert.Equal((404, false), (error.Code, error.IsNotFound));
    }

    private static ConfigMap Changed(ConfigMap map) => map with { Data = new Dictionary<string, string> { ["k"] = "v" } };

    private static ObjectWriter Writer(IKubeClient client) => new(client, TimeProvider.System);
}
