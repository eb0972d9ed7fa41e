using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Tests.Api;
using Xunit;

namespace Troupe.DevCluster.Tests.Controllers;

/// <summary>The controllers of workloads against the API, with nodes that only say that pods run.</summary>
public sealed class WorkloadTests : IAsyncLifetime
{
    private const string Template = """{"metadata":{"labels":{"app":"a"} },"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i:1"}]} }""";

    private TestCluster _cluster = null!;
    private StandInKubelet _kubelet = null!;

    private IKubeApi Api => _cluster.Host.Api;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync();
        _kubelet = await StandInKubelet.StartAsync(Api, "n1", "n2");
    }

    public async ValueTask DisposeAsync()
    {
        await _kubelet.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_deployment_is_rolled_out_undone_scaled_and_deleted_with_all_it_made()
    {
        await CreateAsync(ResourceKey.Deployments, "d", $$"""{"replicas":3,"selector":{"matchLabels":{"app":"a"} },"template":{{Template}} }""");
        Assert.Contains("successfully rolled out", await _cluster.KubectlAsync("rollout status deployment/d --timeout=60s"));
        Assert.Contains("image updated", await _cluster.KubectlAsync("set image deployment/d c=i:2"));
        Assert.Contains("successfully rolled out", await _cluster.KubectlAsync("rollout status deployment/d --timeout=60s"));
        Assert.Equal(["i:2", "i:2", "i:2"], await ImagesAsync());
        Assert.Equal(2, (await Api.ListAsync(ResourceKey.ReplicaSets, "default")).Items.Count);
        Assert.Contains("rolled back", await _cluster.KubectlAsync("rollout undo deployment/d"));
        Assert.Contains("successfully rolled out", await _cluster.KubectlAsync("rollout status deployment/d --timeout=60s"));
        Assert.Equal(["i:1", "i:1", "i:1"], await ImagesAsync());
        Assert.Contains("2         <none>\n3         <none>", await _cluster.KubectlAsync("rollout history deployment/d"));

        await _cluster.KubectlAsync("scale deployment/d --replicas=1");
        await UntilAsync("one pod", async () => (await PodsAsync()).Count == 1);
        await _cluster.KubectlAsync("delete deployment d");
        await UntilAsync("nothing", async () => (await PodsAsync()).Count == 0 && (await Api.ListAsync(ResourceKey.ReplicaSets, "default")).Items.Count == 0);
    }

    [Fact]
    public async Task A_roll_out_whose_pods_never_become_ready_keeps_the_old_ones_and_says_that_it_is_stuck()
    {
        await CreateAsync(ResourceKey.Deployments, "d", $$"""{"replicas":2,"progressDeadlineSeconds":1,"selector":{"matchLabels":{"app":"a"} },"template":{{Template}} }""");
        Assert.Contains("successfully rolled out", await _cluster.KubectlAsync("rollout status deployment/d --timeout=60s"));
        _kubelet.Ready = _ => false;
        await _cluster.KubectlAsync("set image deployment/d c=i:2");
        Assert.Contains("exceeded its progress deadline", await _cluster.KubectlAsync("rollout status deployment/d --timeout=60s"));
        Assert.Equal(2, (await ImagesAsync()).Count(i => i == "i:1"));
        var deployment = await Api.GetAsync(ResourceKey.Deployments, "default", "d");
        Assert.Equal(2, deployment["status"]!["availableReplicas"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_pod_that_goes_is_replaced_and_one_that_matches_is_adopted()
    {
        await Api.CreateAsync(ResourceKey.Pods, "default", Parse("""{"metadata":{"name":"orphan","labels":{"app":"a"} },"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i:0"}]} }"""));
        await CreateAsync(ResourceKey.ReplicaSets, "r", $$"""{"replicas":2,"selector":{"matchLabels":{"app":"a"} },"template":{{Template}} }""");
        await UntilAsync("two ready", async () => (await Api.GetAsync(ResourceKey.ReplicaSets, "default", "r"))["status"]?["readyReplicas"]?.GetValue<int>() == 2);
        Assert.Equal(["i:0", "i:1"], await ImagesAsync());
        await Api.DeleteAsync(ResourceKey.Pods, "default", "orphan");
        await UntilAsync("a new one", async () => (await ImagesAsync()) is ["i:1", "i:1"]);
        // Orphaned, the pods stay.
        await Api.DeleteAsync(ResourceKey.ReplicaSets, "default", "r", new JsonObject { ["propagationPolicy"] = "Orphan" });
        await UntilAsync("the set gone", async () => (await Api.ListAsync(ResourceKey.ReplicaSets, "default")).Items.Count == 0);
        Assert.All(await PodsAsync(), p => Assert.Null(p["metadata"]!["ownerReferences"]));
    }

    [Fact]
    public async Task A_stateful_set_names_its_pods_in_order_each_with_its_claim()
    {
        await CreateAsync(ResourceKey.StatefulSets, "s", $$"""
            {"replicas":2,"serviceName":"s","selector":{"matchLabels":{"app":"a"} },"template":{{Template}},
             "volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"} } } }]}
            """);
        await UntilAsync("s-0", async () => (await PodsAsync()).Count > 0);
        await UntilAsync("both", async () => (await PodsAsync()).Select(p => (string)p["metadata"]!["name"]!).Order() is var names && names.SequenceEqual(["s-0", "s-1"]));
        var first = await Api.GetAsync(ResourceKey.Pods, "default", "s-0");
        Assert.Equal(("s-0", "s", "data-s-0"), ((string?)first["spec"]!["hostname"], (string?)first["spec"]!["subdomain"],
            (string?)first["spec"]!["volumes"]!.AsArray().Single(v => (string?)v!["name"] == "data")!["persistentVolumeClaim"]!["claimName"]));
        await _cluster.KubectlAsync("scale sts/s --replicas=1");
        await UntilAsync("one", async () => (await PodsAsync()).Count == 1);
        // Claims are kept.
        Assert.Equal(2, (await Api.ListAsync(ResourceKey.PersistentVolumeClaims, "default")).Items.Count);
        await _cluster.KubectlAsync("set image sts/s c=i:2");
        Assert.Contains("partitioned roll out complete: 1 new pods have been updated", await _cluster.KubectlAsync("rollout status sts/s --timeout=60s"));
        Assert.Equal(["i:2"], await ImagesAsync());
    }

    [Fact]
    public async Task A_daemon_set_follows_the_nodes()
    {
        await CreateAsync(ResourceKey.DaemonSets, "d", $$"""{"selector":{"matchLabels":{"app":"a"} },"template":{{Template}} }""");
        await UntilAsync("on both", async () => (await NodesOfPodsAsync()).SequenceEqual(["n1", "n2"]));
        await StandInKubelet.RegisterAsync(Api, "n3");
        await UntilAsync("on all three", async () => (await NodesOfPodsAsync()).SequenceEqual(["n1", "n2", "n3"]));
        await _cluster.KubectlAsync("cordon n3");
        await _cluster.KubectlAsync("set image ds/d c=i:2");
        Assert.Contains("successfully rolled out", await _cluster.KubectlAsync("rollout status ds/d --timeout=60s"));
        Assert.Equal(["i:2", "i:2", "i:2"], await ImagesAsync());
        await _cluster.KubectlAsync("label node n1 n2 keep=yes");
        await _cluster.KubectlAsync("""patch ds d -p '{"spec":{"template":{"spec":{"nodeSelector":{"keep":"yes"}}}}}'""");
        await UntilAsync("where they are wanted", async () => (await NodesOfPodsAsync()).SequenceEqual(["n1", "n2"]));
    }

    [Fact]
    public async Task A_job_runs_to_its_end_is_told_so_and_expires()
    {
        await CreateAsync(new ResourceKey("batch", "v1", "jobs"), "j", """
            {"completions":2,"parallelism":1,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } }
            """);
        for (var n = 0; n < 2; n++)
        {
            var pod = "";
            await UntilAsync("a pod that runs", async () =>
            {
                var running = (await PodsAsync()).Where(p => (string?)p["status"]!["phase"] == "Running").ToList();
                pod = running.Count == 1 ? (string)running[0]["metadata"]!["name"]! : "";
                return pod.Length > 0;
            });
            await _kubelet.FinishAsync("default", pod, "Succeeded");
        }
        Assert.Contains("condition met", await _cluster.KubectlAsync("wait --for=condition=Complete job/j --timeout=30s"));
        await _cluster.KubectlAsync("""patch job j -p '{"spec":{"ttlSecondsAfterFinished":0}}'""");
        await UntilAsync("gone", async () => await _cluster.IsGoneAsync("/apis/batch/v1/namespaces/default/jobs/j") && (await PodsAsync()).Count == 0);
    }

    [Fact]
    public async Task A_service_follows_its_pods_and_their_readiness()
    {
        await Api.CreateAsync(ResourceKey.Services, "default", Parse("""{"metadata":{"name":"web"},"spec":{"selector":{"app":"a"},"ports":[{"port":80}]} }"""));
        await CreateAsync(ResourceKey.ReplicaSets, "r", $$"""{"replicas":2,"selector":{"matchLabels":{"app":"a"} },"template":{{Template}} }""");
        await UntilAsync("two ready endpoints", async () => await ReadyAsync() == 2);
        var pod = (string)(await PodsAsync())[0]["metadata"]!["name"]!;
        await Api.PatchAsync(ResourceKey.Pods, "default", pod, PatchKind.StrategicMerge, Parse("""{"status":{"conditions":[{"type":"Ready","status":"False"}]} }"""), "status");
        await UntilAsync("one", async () => await ReadyAsync() == 1);
        await Api.DeleteAsync(ResourceKey.Services, "default", "web");
        await UntilAsync("the slice gone", async () => (await Api.ListAsync(ResourceKey.EndpointSlices, "default", new ListOptions { LabelSelector = "kubernetes.io/service-name=web" })).Items.Count == 0
            && await _cluster.IsGoneAsync("/api/v1/namespaces/default/endpoints/web"));

        async Task<int> ReadyAsync() => (await Api.ListAsync(ResourceKey.EndpointSlices, "default", new ListOptions { LabelSelector = "kubernetes.io/service-name=web" })).Items
            .SelectMany(s => s["endpoints"]?.AsArray() ?? []).Count(e => e!["conditions"]!["ready"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_cron_job_makes_its_jobs_and_tells_of_them()
    {
        await CreateAsync(ResourceKey.CronJobs, "c", $$"""{"schedule":"* * * * *","concurrencyPolicy":"Forbid","jobTemplate":{"metadata":{"labels":{"of":"c"} },"spec":{"template":{{Template.Replace("\"spec\":{", "\"spec\":{\"restartPolicy\":\"Never\",", StringComparison.Ordinal)}} } } }""");
        // As if it had been due meanwhile.
        await Api.PatchAsync(ResourceKey.CronJobs, "default", "c", PatchKind.MergePatch, Parse("""{"status":{"lastScheduleTime":"2026-01-01T00:00:00Z"} }"""), "status");
        await UntilAsync("a job", async () => (await Api.ListAsync(ResourceKey.Jobs, "default", new ListOptions { LabelSelector = "of=c" })).Items.Count == 1);
        await UntilAsync("it is active", async () => (await Api.GetAsync(ResourceKey.CronJobs, "default", "c"))["status"]?["active"] is JsonArray { Count: 1 });
        Assert.StartsWith("20", (string)(await Api.GetAsync(ResourceKey.CronJobs, "default", "c"))["status"]!["lastScheduleTime"]!, StringComparison.Ordinal);
        Assert.Contains("Created job c-", await _cluster.KubectlAsync("get events"));
        // With it goes what it made.
        await _cluster.KubectlAsync("delete cronjob c");
        await UntilAsync("no job", async () => (await Api.ListAsync(ResourceKey.Jobs, "default")).Items.Count == 0);
        Assert.Contains("spec.timeZone: Invalid value: \"Nowhere/Land\": unknown time zone Nowhere/Land", await _cluster.KubectlAsync("create -f -", """
            {"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"x"},"spec":{"schedule":"@daily","timeZone":"Nowhere/Land","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}}
            """));
    }

    private Task CreateAsync(ResourceKey kind, string name, string spec) =>
        Api.CreateAsync(kind, "default", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = JsonNode.Parse(spec) });

    private async Task<IReadOnlyList<JsonObject>> PodsAsync() => (await Api.ListAsync(ResourceKey.Pods, "default")).Items;

    private async Task<IReadOnlyList<string>> ImagesAsync() => [.. (await PodsAsync()).Where(p => p["metadata"]!["deletionTimestamp"] is null).Select(p => (string)p["spec"]!["containers"]![0]!["image"]!).Order()];

    private async Task<IEnumerable<string>> NodesOfPodsAsync() => (await PodsAsync()).Select(p => (string?)p["spec"]!["nodeName"] ?? "").Order();

    private Task UntilAsync(string what, Func<Task<bool>> condition) => _cluster.EventuallyAsync(condition, what);

    private static JsonObject Parse(string text) => TestCluster.Parse(text);
}
