using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>The verbs and their errors over real HTTPS.</summary>
public sealed class HttpTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_created_object_has_what_the_system_gives_it()
    {
        var (code, obj) = await _cluster.SendAsync("POST", ConfigMaps + "?fieldManager=me", ConfigMap("", metadata: new JsonObject { ["generateName"] = "gen-" }));
        Assert.Equal(HttpStatusCode.Created, code);
        Assert.Matches("^gen-[a-z0-9]{5}$", obj.Str("metadata", "name")!);
        Assert.True(Guid.TryParse(obj.Str("metadata", "uid"), out _));
        Assert.NotNull(obj.Str("metadata", "creationTimestamp"));
        Assert.NotNull(obj.Str("metadata", "resourceVersion"));
        Assert.Equal("me", obj.Arr("metadata", "managedFields")![0].Str("manager"));
    }

    [Fact]
    public async Task Nobody_without_certificate_or_token_gets_in_and_both_of_them_do()
    {
        using var anonymous = _cluster.Client(certificate: false);
        var refused = await anonymous.GetAsync("/api/v1/namespaces");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("Unauthorized", JsonNode.Parse(await refused.Content.ReadAsStringAsync()).Str("reason"));
        Assert.Equal(HttpStatusCode.OK, (await anonymous.GetAsync("/readyz")).StatusCode);
        anonymous.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _cluster.Host.AdminToken);
        Assert.Equal(HttpStatusCode.OK, (await anonymous.GetAsync("/api/v1/namespaces")).StatusCode);
        anonymous.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "wrong");
        Assert.Equal(HttpStatusCode.Unauthorized, (await anonymous.GetAsync("/api/v1/namespaces")).StatusCode);
    }

    [Fact]
    public async Task A_service_account_token_speaks_for_its_account_and_dies_with_it()
    {
        const string Account = "/api/v1/namespaces/default/serviceaccounts/worker";
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/serviceaccounts", Parse("""{"metadata":{"name":"worker"}}"""));
        var (code, answer) = await _cluster.SendAsync("POST", Account + "/token", Parse("""{"spec":{"expirationSeconds":600}}"""));
        Assert.Equal(HttpStatusCode.Created, code);
        using var client = _cluster.Client(certificate: false);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", answer.Str("status", "token"));
        var review = await client.PostAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", new StringContent("{}"));
        Assert.Equal("system:serviceaccount:default:worker", JsonNode.Parse(await review.Content.ReadAsStringAsync()).Str("status", "userInfo", "username"));
        await _cluster.SendAsync("DELETE", Account);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/api/v1/pods")).StatusCode);
    }

    [Theory]
    [InlineData("GET", "/api/v1/namespaces/default/configmaps/none", null, 404, "NotFound")]
    [InlineData("GET", "/apis/none.example.com/v1/things", null, 404, "NotFound")]
    [InlineData("GET", "/api/v1/nodes/a/b/c/d/e", null, 404, "NotFound")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":", 400, "BadRequest")]
    [InlineData("POST", ConfigMaps, "[]", 400, "BadRequest")]
    [InlineData("POST", ConfigMaps, "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}", 400, "BadRequest")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":1}}", 400, "BadRequest")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":{\"name\":\"A_b\"}}", 422, "Invalid")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":{}}", 422, "Invalid")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"-\"}}}", 422, "Invalid")]
    [InlineData("POST", ConfigMaps, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"}}", 400, "BadRequest")]
    [InlineData("POST", "/api/v1/namespaces/none/configmaps", "{\"metadata\":{\"name\":\"a\"}}", 404, "NotFound")]
    [InlineData("PUT", ConfigMaps + "/none", "{\"metadata\":{\"name\":\"none\"}}", 404, "NotFound")]
    [InlineData("PUT", ConfigMaps, "{}", 405, "MethodNotAllowed")]
    [InlineData("GET", ConfigMaps + "?labelSelector=a in (", null, 400, "BadRequest")]
    [InlineData("GET", ConfigMaps + "?fieldSelector=data.k=1", null, 400, "BadRequest")]
    [InlineData("GET", ConfigMaps + "?limit=x", null, 400, "BadRequest")]
    [InlineData("GET", ConfigMaps + "?continue=nonsense", null, 400, "BadRequest")]
    [InlineData("GET", ConfigMaps + "?resourceVersion=x", null, 400, "BadRequest")]
    [InlineData("GET", ConfigMaps + "?resourceVersion=999999999", null, 504, "Timeout")]
    [InlineData("POST", "/api/v1/namespaces/default/pods", "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]}}", 422, "Invalid")]
    public async Task A_bad_request_is_answered_with_a_Status(string method, string path, string? body, int code, string reason)
    {
        var (response, text) = await _cluster.RawAsync(method, path, body);
        var status = JsonNode.Parse(text)!;
        Assert.Equal((code, "Status", "Failure", reason), ((int)response.StatusCode, status.Str("kind"), status.Str("status"), status.Str("reason")));
        Assert.Equal(code, status.Int("code"));
    }

    [Fact]
    public async Task An_object_that_is_too_large_is_refused_and_the_next_request_works()
    {
        var (code, status) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("big", new string('x', 10 << 20)));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "RequestEntityTooLarge"), (code, status.Str("reason")));
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("small"))).Code);
    }

    [Fact]
    public async Task Of_many_concurrent_creations_of_one_name_exactly_one_wins()
    {
        var codes = await Task.WhenAll(Enumerable.Range(0, 30).Select(async i => (await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("race", $"{i}"))).Code));
        Assert.Single(codes, HttpStatusCode.Created);
        Assert.Equal(29, codes.Count(c => c == HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Concurrent_patches_all_take_effect_and_a_stale_update_conflicts()
    {
        var (_, first) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("busy"));
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
            _cluster.SendAsync("PATCH", ConfigMaps + "/busy", Parse($$$"""{"data":{"k{{{i}}}":"v"}}"""), "application/merge-patch+json")));
        var (_, now) = await _cluster.SendAsync("GET", ConfigMaps + "/busy");
        Assert.Equal(31, now.Obj("data")!.Count);
        var (code, status) = await _cluster.SendAsync("PUT", ConfigMaps + "/busy", first);
        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (code, status.Str("reason")));
    }

    [Fact]
    public async Task A_write_that_changes_nothing_keeps_the_resource_version()
    {
        var (_, first) = await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("same"));
        var (_, second) = await _cluster.SendAsync("PUT", ConfigMaps + "/same", first);
        var (_, third) = await _cluster.SendAsync("PATCH", ConfigMaps + "/same", Parse("""{"data":{"k":"1"}}"""), "application/strategic-merge-patch+json");
        Assert.Equal(first.Str("metadata", "resourceVersion"), second.Str("metadata", "resourceVersion"));
        Assert.Equal(first.Str("metadata", "resourceVersion"), third.Str("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task Field_validation_refuses_warns_or_ignores()
    {
        const string Body = """{"metadata":{"name":"fv"},"data":{"a":"1","a":"2"},"nonsense":true}""";
        var (strict, text) = await _cluster.RawAsync("POST", ConfigMaps + "?fieldValidation=Strict", Body);
        Assert.Equal(HttpStatusCode.BadRequest, strict.StatusCode);
        Assert.Contains("unknown field \\\"nonsense\\\"", text);
        Assert.Contains("duplicate field \\\"data.a\\\"", text);
        var (warned, _) = await _cluster.RawAsync("POST", ConfigMaps + "?dryRun=All", Body);
        Assert.Equal(HttpStatusCode.Created, warned.StatusCode);
        Assert.Contains(warned.Headers.GetValues("Warning"), w => w == "299 - \"unknown field \\\"nonsense\\\"\"");
        var (ignored, _) = await _cluster.RawAsync("POST", ConfigMaps + "?fieldValidation=Ignore", Body);
        Assert.Equal(HttpStatusCode.Created, ignored.StatusCode);
        Assert.False(ignored.Headers.Contains("Warning"));
    }

    [Fact]
    public async Task A_dry_run_answers_as_the_real_thing_and_stores_nothing()
    {
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", ConfigMaps + "?dryRun=All", ConfigMap("dry"))).Code);
        Assert.True(await _cluster.IsGoneAsync(ConfigMaps + "/dry"));
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("dry"));
        Assert.Equal("2", (await _cluster.SendAsync("PATCH", ConfigMaps + "/dry?dryRun=All", Parse("""{"data":{"k":"2"}}"""), "application/merge-patch+json")).Body.Str("data", "k"));
        await _cluster.SendAsync("DELETE", ConfigMaps + "/dry?dryRun=All");
        Assert.Equal("1", (await _cluster.SendAsync("GET", ConfigMaps + "/dry")).Body.Str("data", "k"));
    }

    [Fact]
    public async Task A_paged_list_is_the_list_as_it_was_at_its_first_page()
    {
        foreach (var i in Enumerable.Range(0, 7))
            await _cluster.SendAsync("POST", ConfigMaps, ConfigMap($"p{i}", metadata: Parse("""{"labels":{"page":"yes"}}""")));
        var (_, first) = await _cluster.SendAsync("GET", ConfigMaps + "?labelSelector=page&limit=3");
        await _cluster.SendAsync("DELETE", ConfigMaps + "/p5");
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("p55", metadata: Parse("""{"labels":{"page":"yes"}}""")));
        var names = first.Arr("items")!.Select(i => i.Str("metadata", "name")).ToList();
        for (var next = first.Str("metadata", "continue"); next is not null;)
        {
            var (_, page) = await _cluster.SendAsync("GET", $"{ConfigMaps}?labelSelector=page&limit=3&continue={next}");
            Assert.Equal(first.Str("metadata", "resourceVersion"), page.Str("metadata", "resourceVersion"));
            names.AddRange(page.Arr("items")!.Select(i => i.Str("metadata", "name")));
            next = page.Str("metadata", "continue");
        }
        Assert.Equal(["p0", "p1", "p2", "p3", "p4", "p5", "p6"], names);
        var (_, exact) = await _cluster.SendAsync("GET", $"{ConfigMaps}?labelSelector=page&resourceVersionMatch=Exact&resourceVersion={first.Str("metadata", "resourceVersion")}");
        Assert.Equal(7, exact.Arr("items")!.Count);
        _cluster.Host.Compact();
        Assert.Equal(HttpStatusCode.Gone, (await _cluster.SendAsync("GET", $"{ConfigMaps}?labelSelector=page&limit=3&continue={first.Str("metadata", "continue")}")).Code);
    }

    [Fact]
    public async Task Objects_come_as_table_partial_metadata_and_yaml_when_asked()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("view"));
        var (_, table) = await _cluster.SendAsync("GET", ConfigMaps + "?fieldSelector=metadata.name=view", accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        Assert.Equal("Table", table.Str("kind"));
        Assert.Equal(["Name", "Data", "Age"], table.Arr("columnDefinitions")!.Select(c => c.Str("name")));
        Assert.Equal(("view", 1L), (table.Arr("rows")![0].Arr("cells")![0].AsString(), table.Arr("rows")![0].Arr("cells")![1].AsLong()));
        var (_, partial) = await _cluster.SendAsync("GET", ConfigMaps, accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
        Assert.Equal("PartialObjectMetadataList", partial.Str("kind"));
        Assert.All(partial.Arr("items")!, i => Assert.Null(i.At("data")));
        var (_, yaml) = await _cluster.RawAsync("GET", ConfigMaps + "/view", accept: "application/yaml");
        Assert.Contains("kind: ConfigMap", yaml);
        var (refused, _) = await _cluster.RawAsync("GET", ConfigMaps, accept: "text/html");
        Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
    }

    [Fact]
    public async Task Generation_counts_changes_of_the_spec_and_status_is_written_apart()
    {
        const string Path = "/apis/apps/v1/namespaces/default/deployments";
        var (code, created) = await _cluster.SendAsync("POST", Path, Parse("""
            {"metadata":{"name":"d"},"status":{"replicas":9},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
            """));
        Assert.Equal((HttpStatusCode.Created, 1L, null), (code, created.Int("metadata", "generation"), created.At("status", "replicas")));
        var (_, scaled) = await _cluster.SendAsync("PATCH", Path + "/d/scale", Parse("""{"spec":{"replicas":4}}"""), "application/merge-patch+json");
        Assert.Equal(4, scaled.Int("spec", "replicas"));
        var (_, status) = await _cluster.SendAsync("PATCH", Path + "/d/status", Parse("""{"spec":{"replicas":7},"status":{"replicas":4}}"""), "application/merge-patch+json");
        Assert.Equal((4L, 4L, 2L), (status.Int("spec", "replicas"), status.Int("status", "replicas"), status.Int("metadata", "generation")));
        var (_, labelled) = await _cluster.SendAsync("PATCH", Path + "/d", Parse("""{"metadata":{"labels":{"x":"y"}},"status":{"replicas":99}}"""), "application/merge-patch+json");
        // The deployment controller may have counted meanwhile; what the patch says must not be there.
        Assert.NotEqual(99, labelled.Int("status", "replicas"));
        Assert.Equal(2, labelled.Int("metadata", "generation"));
    }

    [Fact]
    public async Task A_bound_pod_has_its_node_and_can_be_bound_only_once()
    {
        const string Pods = "/api/v1/namespaces/default/pods";
        await _cluster.SendAsync("POST", Pods, Parse("""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""));
        var binding = Parse("""{"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""");
        Assert.Equal(HttpStatusCode.Created, (await _cluster.SendAsync("POST", Pods + "/p/binding", binding)).Code);
        Assert.Equal(HttpStatusCode.Conflict, (await _cluster.SendAsync("POST", Pods + "/p/binding", binding)).Code);
        var (_, list) = await _cluster.SendAsync("GET", "/api/v1/pods?fieldSelector=spec.nodeName=n1,status.phase=Pending");
        var pod = Assert.Single(list.Arr("items")!);
        Assert.Equal("PodScheduled", pod.Arr("status", "conditions")![0].Str("type"));
        var (code, frozen) = await _cluster.SendAsync("PATCH", Pods + "/p", Parse("""{"spec":{"hostNetwork":true}}"""), "application/merge-patch+json");
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "Invalid"), (code, frozen.Str("reason")));
    }

    [Fact]
    public async Task Core_events_and_events_k8s_io_are_two_views_of_one_store()
    {
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/events",
            Parse("""{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","message":"m","type":"Normal"}"""));
        var (_, other) = await _cluster.SendAsync("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e");
        Assert.Equal(("events.k8s.io/v1", "p", "m"), (other.Str("apiVersion"), other.Str("regarding", "name"), other.Str("note")));
        var (_, found) = await _cluster.SendAsync("GET", "/api/v1/events?fieldSelector=involvedObject.name=p,reason=R");
        Assert.Single(found.Arr("items")!);
    }

    [Fact]
    public async Task Large_answers_are_compressed_when_the_client_can_read_that()
    {
        await _cluster.SendAsync("POST", ConfigMaps, ConfigMap("large", new string('x', 300_000)));
        using var request = new HttpRequestMessage(HttpMethod.Get, ConfigMaps + "/large") { Headers = { AcceptEncoding = { new("gzip") } } };
        using var response = await _cluster.Http.SendAsync(request);
        Assert.Contains("gzip", response.Content.Headers.ContentEncoding);
        Assert.True((await response.Content.ReadAsByteArrayAsync()).Length < 20_000);
    }

    [Fact]
    public async Task Keys_are_readable_by_their_owner_only()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_cluster.StateDirectory, "pki")).Where(f => f.EndsWith(".key", StringComparison.Ordinal) || f.EndsWith(".token", StringComparison.Ordinal)).Append(_cluster.Host.Kubeconfig))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await Task.CompletedTask;
    }
}
