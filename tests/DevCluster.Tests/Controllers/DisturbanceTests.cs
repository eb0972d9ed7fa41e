using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Tests.Api;
using Xunit;

namespace Troupe.DevCluster.Tests.Controllers;

/// <summary>Evictions and lost nodes.</summary>
public sealed class DisturbanceTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;
    private StandInKubelet _kubelet = null!;

    private IKubeApi Api => _cluster.Host.Api;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(o => o with { NodeMonitorGracePeriod = TimeSpan.FromSeconds(1) });
        _kubelet = await StandInKubelet.StartAsync(Api, "n1", "n2");
    }

    public async ValueTask DisposeAsync()
    {
        await _kubelet.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task An_eviction_that_a_budget_forbids_is_refused_and_told_why()
    {
        await PodAsync("a", "n1");
        await PodAsync("b", "n1");
        await Api.CreateAsync(ResourceKey.PodDisruptionBudgets, "default", Parse("""{"metadata":{"name":"pdb"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"a"} } } }"""));
        await UntilAsync("one may go", async () => (await Api.GetAsync(ResourceKey.PodDisruptionBudgets, "default", "pdb"))["status"]?["disruptionsAllowed"]?.GetValue<int>() == 1);
        var answers = await Task.WhenAll(new[] { "a", "b" }.Select(p => _cluster.SendAsync("POST", $"/api/v1/namespaces/default/pods/{p}/eviction", Eviction(p))));
        Assert.Equal([201, 429], answers.Select(a => (int)a.Code).Order());
        var refused = answers.Single(a => (int)a.Code == 429).Body;
        Assert.Equal("TooManyRequests", (string?)refused["reason"]);
        Assert.Equal("Cannot evict pod as it would violate the pod's disruption budget.", (string?)refused["message"]);
        Assert.Equal("DisruptionBudget", (string?)refused["details"]!["causes"]![0]!["reason"]);
        await UntilAsync("one left", async () => (await Api.ListAsync(ResourceKey.Pods, "default")).Items.Count == 1);
        // Without the budget nothing is in the way.
        await Api.DeleteAsync(ResourceKey.PodDisruptionBudgets, "default", "pdb");
        Assert.Contains("evicted", await _cluster.KubectlAsync("drain n1 --force --timeout=60s"));
        Assert.Empty((await Api.ListAsync(ResourceKey.Pods, "default")).Items);
    }

    [Fact]
    public async Task A_node_without_a_heartbeat_is_not_ready_and_comes_back_with_it()
    {
        await StandInKubelet.HeartbeatAsync(Api, "n1");
        await PodAsync("a", "n1");
        await UntilAsync("lost", async () => await ReadyAsync("n1") == "Unknown" && await TaintsAsync("n1") == "node.kubernetes.io/unreachable:NoExecute node.kubernetes.io/unreachable:NoSchedule");
        await UntilAsync("its pod is not ready", async () => Condition(await Api.GetAsync(ResourceKey.Pods, "default", "a"), "Ready") == "False");
        // It bears that for five minutes, as the API server has told it to.
        Assert.Null((await Api.GetAsync(ResourceKey.Pods, "default", "a"))["metadata"]!["deletionTimestamp"]);
        Assert.Contains("NotReady", await _cluster.KubectlAsync("get nodes"));

        await Api.PatchAsync(ResourceKey.Nodes, null, "n1", PatchKind.StrategicMerge, Parse("""{"status":{"conditions":[{"type":"Ready","status":"True"}]} }"""), "status");
        await UntilAsync("back", async () =>
        {
            await StandInKubelet.HeartbeatAsync(Api, "n1");
            await Api.PatchAsync(ResourceKey.Nodes, null, "n1", PatchKind.StrategicMerge, Parse("""{"status":{"conditions":[{"type":"Ready","status":"True"}]} }"""), "status");
            return await TaintsAsync("n1") == "";
        });
    }

    [Fact]
    public async Task A_taint_ends_the_pods_that_do_not_bear_it()
    {
        await PodAsync("plain", "n1");
        await PodAsync("bearing", "n1", """[{"key":"own","operator":"Exists","effect":"NoExecute"}]""");
        await PodAsync("a-while", "n1", """[{"key":"own","operator":"Exists","effect":"NoExecute","tolerationSeconds":1}]""");
        await _cluster.KubectlAsync("taint node n1 own=x:NoExecute");
        await UntilAsync("only the one that bears it", async () => (await Api.ListAsync(ResourceKey.Pods, "default")).Items.Select(p => (string)p["metadata"]!["name"]!).SequenceEqual(["bearing"]));
        var events = (await Api.ListAsync(ResourceKey.Events, "default")).Items.Where(e => (string?)e["reason"] == "TaintManagerEviction").Select(e => (string)e["involvedObject"]!["name"]!).Order();
        Assert.Equal(["a-while", "plain"], events);
    }

    [Fact]
    public async Task The_out_of_service_taint_lets_go_of_pods_whose_node_cannot_say_that_they_ended()
    {
        await PodAsync("a", "n1");
        _kubelet.Abandon("n1");
        await StandInKubelet.HeartbeatAsync(Api, "n1");
        await UntilAsync("lost", async () => await ReadyAsync("n1") == "Unknown");
        await Api.DeleteAsync(ResourceKey.Pods, "default", "a");
        Assert.NotNull((await Api.GetAsync(ResourceKey.Pods, "default", "a"))["metadata"]!["deletionTimestamp"]);
        await _cluster.KubectlAsync("taint node n1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute");
        await UntilAsync("let go", () => _cluster.IsGoneAsync("/api/v1/namespaces/default/pods/a"));
    }

    private static JsonObject Eviction(string pod) => Parse($$$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{{{pod}}}","namespace":"default"} }""");

    private async Task PodAsync(string name, string node, string tolerations = "[]")
    {
        await Api.CreateAsync(ResourceKey.Pods, "default", Parse($$$"""
            {"metadata":{"name":"{{{name}}}","labels":{"app":"a"} },"spec":{"nodeName":"{{{node}}}","tolerations":{{{tolerations}}},"containers":[{"name":"c","image":"i"}]} }
            """));
        await UntilAsync($"{name} runs", async () => Condition(await Api.GetAsync(ResourceKey.Pods, "default", name), "Ready") == "True");
    }

    private async Task<string?> ReadyAsync(string node) => Condition(await Api.GetAsync(ResourceKey.Nodes, null, node), "Ready");

    private async Task<string> TaintsAsync(string node) => string.Join(' ', ((await Api.GetAsync(ResourceKey.Nodes, null, node))["spec"]?["taints"]?.AsArray() ?? []).Select(t => $"{t!["key"]}:{t["effect"]}").Order());

    private static string? Condition(JsonObject obj, string type) => (string?)obj["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == type)?["status"];

    private Task UntilAsync(string what, Func<Task<bool>> condition) => _cluster.EventuallyAsync(condition, what);

    private static JsonObject Parse(string text) => TestCluster.Parse(text);
}
