using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Generation, status and scale.</summary>
public sealed class Subresources(ApiServer server) : Topic(server)
{
    private const string Workload = """ "spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}} """;

    private Task<Answer> Create(string resource, string more = "") =>
        Post(In(resource), $$"""{"metadata":{"name":"x"}{{more}},{{(resource.EndsWith("deployments", StringComparison.Ordinal) ? Workload.Replace("\"replicas\"", "\"paused\":true,\"replicas\"", StringComparison.Ordinal) : Workload)}}}""");

    [Theory]
    [InlineData("apps/v1/deployments", """{"spec":{"replicas":3}}""", 2)]
    [InlineData("apps/v1/deployments", """{"metadata":{"labels":{"l":"1"}}}""", 1)]
    [InlineData("apps/v1/deployments", """{"status":{"replicas":9}}""", 1)]
    [InlineData("apps/v1/deployments", """{"spec":{"replicas":2}}""", 1)]
    [InlineData("apps/v1/deployments", """{"spec":{"template":{"metadata":{"annotations":{"x":"y"}}}}}""", 2)]
    [InlineData("apps/v1/replicasets", """{"spec":{"replicas":3}}""", 2)]
    [InlineData("apps/v1/replicasets", """{"metadata":{"annotations":{"l":"1"}}}""", 1)]
    [InlineData("apps/v1/statefulsets", """{"spec":{"replicas":0}}""", 2)]
    public async Task Generation_counts_changes_of_the_spec(string resource, string patch, int expected)
    {
        var created = (await Create(resource, ""","status":{"replicas":9}""")).Expect(201);
        Assert.Equal("1", created["metadata.generation"]);
        Assert.True(created["status.replicas"] is null or "0");
        Assert.Equal($"{expected}", (await Patch(In(resource + "/x"), patch)).Expect(200)["metadata.generation"]);
    }

    [Fact]
    public async Task Kinds_without_a_spec_of_their_own_have_no_generation() => Assert.Null((await ConfigMap("a"))["metadata.generation"]);

    [Fact]
    public async Task The_status_is_written_apart_from_the_rest()
    {
        // A kind whose status no controller of a bare cluster writes.
        const string Ingresses = "networking.k8s.io/v1/ingresses", Class = "spec.ingressClassName", Ip = "status.loadBalancer.ingress[0].ip";
        static string Status(string ip) => $$$"""{"spec":{"ingressClassName":"other"},"status":{"loadBalancer":{"ingress":[{"ip":"{{{ip}}}"}]} } }""";
        (await Post(In(Ingresses), """{"metadata":{"name":"x"},"spec":{"ingressClassName":"mine","defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}""")).Expect(201);
        var status = (await Patch(In(Ingresses + "/x/status"), Status("10.0.0.4"))).Expect(200);
        Assert.Equal(("mine", "10.0.0.4", "1"), (status[Class], status[Ip], status["metadata.generation"]));
        var body = status.Json.DeepClone();
        body["spec"]!["ingressClassName"] = "other";
        body["status"]!["loadBalancer"]!["ingress"]![0]!["ip"] = "10.0.0.5";
        var put = (await Put(In(Ingresses + "/x/status"), body.ToJsonString())).Expect(200);
        Assert.Equal(("mine", "10.0.0.5"), (put[Class], (await Get(In(Ingresses + "/x/status")))[Ip]));
        var main = (await Patch(In(Ingresses + "/x"), Status("10.0.0.6"))).Expect(200);
        Assert.Equal(("other", "10.0.0.5", "2"), (main[Class], main[Ip], main["metadata.generation"]));
    }

    [Theory]
    [InlineData("configmaps/a/status")]
    [InlineData("configmaps/a/scale")]
    [InlineData("secrets/a/status")]
    [InlineData("apps/v1/daemonsets/a/scale")]
    [InlineData("apps/v1/deployments/a/nothing")]
    public async Task What_has_no_such_subresource_says_so(string path) => Assert.Equal(404, (await Get(In(path))).Code);

    [Theory]
    [InlineData("apps/v1/deployments")]
    [InlineData("apps/v1/replicasets")]
    [InlineData("apps/v1/statefulsets")]
    public async Task A_scale_shows_and_changes_the_replicas(string resource)
    {
        var created = (await Create(resource)).Expect(201);
        var scale = (await Get(In(resource + "/x/scale"))).Expect(200);
        Assert.Equal(("Scale", "autoscaling/v1", "2", "a=b"), (scale["kind"], scale["apiVersion"], scale["spec.replicas"], scale["status.selector"]));
        Assert.Equal((created["metadata.uid"], "x"), (scale["metadata.uid"], scale.Name));
        var body = scale.Json.DeepClone();
        body["spec"]!["replicas"] = 5;
        // Unconditionally: controllers write their status meanwhile.
        body["metadata"]!.AsObject().Remove("resourceVersion");
        Assert.Equal("5", (await Put(In(resource + "/x/scale"), body.ToJsonString())).Expect(200)["spec.replicas"]);
        Assert.Equal("0", (await Patch(In(resource + "/x/scale"), """{"spec":{"replicas":0}}""")).Expect(200)["spec.replicas"] ?? "0");
        var now = await Get(In(resource + "/x"));
        Assert.Equal(("0", "3"), (now["spec.replicas"], now["metadata.generation"]));
        body["spec"]!["replicas"] = 1;
        body["metadata"]!["resourceVersion"] = created.Version;
        Assert.Equal(409, (await Put(In(resource + "/x/scale"), body.ToJsonString())).Code);
        Assert.Equal(422, (await Patch(In(resource + "/x/scale"), """{"spec":{"replicas":-1}}""")).Code);
        Assert.Equal(422, (await Patch(In(resource + "/x/scale"), """{"spec":{"replicas":"many"}}""")).Code);
    }

    [Theory]
    [InlineData("POST", "configmaps", """{"metadata":{"name":"new"}}""", "configmaps/new", 404, 201)]
    [InlineData("PUT", "configmaps/a", """{"metadata":{"name":"a"},"data":{"k":"9"}}""", "configmaps/a", 200, 200)]
    [InlineData("PATCH", "configmaps/a", """{"data":{"k":"9"}}""", "configmaps/a", 200, 200)]
    [InlineData("DELETE", "configmaps/a", null, "configmaps/a", 200, 200)]
    [InlineData("DELETE", "configmaps", null, "configmaps/a", 200, 200)]
    public async Task A_dry_run_answers_as_the_real_thing_and_keeps_nothing(string method, string path, string? body, string look, int after, int code)
    {
        await ConfigMap("a");
        var answer = await Server.SendAsync(method, In(path + "?dryRun=All"), body, method == "PATCH" ? Merge : null);
        Assert.Equal(code, answer.Code);
        if (body?.Contains("\"9\"", StringComparison.Ordinal) == true)
            Assert.Equal("9", answer["data.k"]);
        var kept = await Get(In(look));
        Assert.Equal(after, kept.Code);
        if (after == 200)
            Assert.Equal("1", kept["data.k"]);
    }

    [Fact]
    public async Task A_dry_run_is_refused_as_the_real_thing_is()
    {
        await ConfigMap("a");
        Assert.Equal(409, (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"a"}}""")).Code);
        Assert.Equal(422, (await Post(In("configmaps?dryRun=All"), """{"metadata":{"name":"A"}}""")).Code);
    }
}
