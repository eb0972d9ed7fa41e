using System.Net;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Tables, bare metadata, YAML, and what HTTP has to say.</summary>
public sealed class Representations(ApiServer server) : Topic(server)
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io";

    [Theory]
    [InlineData("pods", "Name,Ready,Status,Restarts,Age", "IP,Node,Nominated Node,Readiness Gates", 20)]
    [InlineData("services", "Name,Type,Cluster-IP,External-IP,Port(s),Age", "Selector", 20)]
    [InlineData("configmaps", "Name,Data,Age", "", 20)]
    [InlineData("secrets", "Name,Type,Data,Age", "", 20)]
    [InlineData("serviceaccounts", "Name,Secrets,Age", "", 20)]
    [InlineData("endpoints", "Name,Endpoints,Age", "", 20)]
    [InlineData("events", "Last Seen,Type,Reason,Object,Message", "Subobject,Source,First Seen,Count,Name", 20)]
    [InlineData("persistentvolumeclaims", "Name,Status,Volume,Capacity,Access Modes,StorageClass,Age", "VolumeMode", 20)]
    [InlineData("resourcequotas", "Name,Age,Request,Limit", "", 20)]
    [InlineData("limitranges", "Name,Created At", "", 20)]
    [InlineData("apps/v1/deployments", "Name,Ready,Up-to-date,Available,Age", "Containers,Images,Selector", 20)]
    [InlineData("apps/v1/replicasets", "Name,Desired,Current,Ready,Age", "Containers,Images,Selector", 20)]
    [InlineData("apps/v1/statefulsets", "Name,Ready,Age", "Containers,Images", 20)]
    [InlineData("apps/v1/daemonsets", "Name,Desired,Current,Ready,Up-to-date,Available,Node Selector,Age", "Containers,Images,Selector", 20)]
    [InlineData("apps/v1/controllerrevisions", "Name,Controller,Revision,Age", "", 20)]
    [InlineData("batch/v1/jobs", "Name,Completions,Duration,Age", "Containers,Images,Selector", 20)]
    [InlineData("coordination.k8s.io/v1/leases", "Name,Holder,Age", "", 20)]
    [InlineData("networking.k8s.io/v1/networkpolicies", "Name,Pod-Selector,Age", "", 20)]
    [InlineData("networking.k8s.io/v1/ingresses", "Name,Class,Hosts,Address,Ports,Age", "", 20)]
    [InlineData("rbac.authorization.k8s.io/v1/roles", "Name,Created At", "", 20)]
    [InlineData("rbac.authorization.k8s.io/v1/rolebindings", "Name,Role,Age", "Users,Groups,ServiceAccounts", 20)]
    [InlineData("policy/v1/poddisruptionbudgets", "Name,Min Available,Max Unavailable,Allowed Disruptions,Age", "", 21)]
    [InlineData("discovery.k8s.io/v1/endpointslices", "Name,AddressType,Ports,Endpoints,Age", "", 21)]
    public async Task A_table_has_the_columns_of_its_kind(string resource, string columns, string wide, int minor)
    {
        Needs(minor, resource);
        var table = (await Get(In(resource), Table)).Expect(200);
        Check(table, columns, wide);
    }

    [Theory]
    [InlineData("/api/v1/nodes", "Name,Status,Roles,Age,Version", "Internal-IP,External-IP,OS-Image,Kernel-Version,Container-Runtime")]
    [InlineData("/api/v1/namespaces", "Name,Status,Age", "")]
    [InlineData("/api/v1/persistentvolumes", "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,Reason,Age", "VolumeMode")]
    [InlineData("/apis/storage.k8s.io/v1/storageclasses", "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age", "")]
    [InlineData("/apis/scheduling.k8s.io/v1/priorityclasses", "Name,Value,Global-Default,Age", "")]
    [InlineData("/apis/rbac.authorization.k8s.io/v1/clusterroles", "Name,Created At", "")]
    [InlineData("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "Name,Role,Age", "Users,Groups,ServiceAccounts")]
    [InlineData("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "Name,Webhooks,Age", "")]
    [InlineData("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "Name,Created At", "")]
    [InlineData("/apis/apiregistration.k8s.io/v1/apiservices", "Name,Service,Available,Age", "")]
    public async Task A_table_of_a_cluster_wide_kind_has_its_columns(string path, string columns, string wide) => Check((await Get(path, Table)).Expect(200), columns, wide);

    /// <summary>Newer versions may have grown columns; those asked for must be there, in this order.</summary>
    private static void Check(Answer table, string columns, string wide)
    {
        Assert.Equal(("Table", "meta.k8s.io/v1"), (table["kind"], table["apiVersion"]));
        List<string> Of(string priority) => [.. table.Json.Items("columnDefinitions").Where(c => c.Text("priority") == priority).Select(c => c.Text("name")!)];
        var expected = columns.Split(',');
        Assert.Equal(expected, Of("0").Where(expected.Contains));
        var more = wide.Split(',', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(more, Of("1").Where(more.Contains));
        Assert.Equal(("string", "name"), (table["columnDefinitions[0].type"], table.Json.Items("columnDefinitions").Single(c => c.Text("name") == "Name").Text("format")));
    }

    [Fact]
    public async Task A_row_has_cells_and_the_metadata_of_its_object()
    {
        await ConfigMap("a");
        var table = await Get(In("configmaps?fieldSelector=metadata.name=a"), Table);
        Assert.Equal(("a", "1"), (table["rows[0].cells[0]"], table["rows[0].cells[1]"]));
        Assert.Equal(("PartialObjectMetadata", "a"), (table["rows[0].object.kind"], table["rows[0].object.metadata.name"]));
        Assert.Matches("^[0-9]+s$", table["rows[0].cells[2]"]);
        Assert.Equal("ConfigMap", (await Get(In("configmaps/a?includeObject=Object"), Table))["rows[0].object.kind"]);
        Assert.Null((await Get(In("configmaps/a?includeObject=None"), Table)).Json.At("rows[0].object"));
        Assert.Equal(400, (await Get(In("configmaps/a?includeObject=Some"), Table)).Code);
    }

    [Fact]
    public async Task Bare_metadata_leaves_the_rest_out()
    {
        await ConfigMap("a");
        var one = await Get(In("configmaps/a"), "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
        Assert.Equal(("PartialObjectMetadata", "meta.k8s.io/v1", "a", null), (one["kind"], one["apiVersion"], one.Name, one["data"]));
        var list = await Get(In("configmaps"), "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
        Assert.Equal("PartialObjectMetadataList", list["kind"]);
        Assert.All(list.Json.Items("items"), i => Assert.Null(i.At("data")));
    }

    [Theory]
    [InlineData("application/json", "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("application/yaml", "application/yaml")]
    [InlineData("text/html,application/json", "application/json")]
    [InlineData("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", "application/json")]
    public async Task The_first_form_that_can_be_served_is(string accept, string type)
    {
        await ConfigMap("a");
        Assert.Equal(type, (await Get(In("configmaps/a"), accept)).Expect(200).Content.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/xml")]
    [InlineData("application/json;as=Nothing;v=v1;g=meta.k8s.io")]
    public async Task A_form_that_cannot_be_served_is_refused(string accept)
    {
        var answer = await Get(In("configmaps"), accept);
        Assert.Equal((406, "NotAcceptable"), (answer.Code, answer["reason"]));
    }

    [Fact]
    public async Task A_body_may_be_YAML_but_not_anything()
    {
        (await Server.SendAsync("POST", In("configmaps"), "metadata:\n  name: z\ndata: {k: 'yes', m: \"1\"}\n", "application/yaml")).Expect(201);
        Assert.Equal("yes", (await Get(In("configmaps/z")))["data.k"]);
        Assert.Equal(400, (await Server.SendAsync("POST", In("configmaps"), "metadata: {name: x}\ndata: {k: yes}\n", "application/yaml")).Code);
        Assert.Equal(415, (await Server.SendAsync("POST", In("configmaps"), "a,b", "text/csv")).Code);
        (await Server.SendAsync("POST", In("configmaps"), """{"metadata":{"name":"c"}}""", "application/json; charset=utf-8")).Expect(201);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        var answer = await Post(In("configmaps"), $$$"""{"metadata":{"name":"big"},"data":{"k":"{{{new string('x', 4 << 20)}}}"}}""");
        Assert.Equal((413, "RequestEntityTooLarge"), (answer.Code, answer["reason"]));
        var answer2 = await Post(In("configmaps"), $$$"""{"metadata":{"name":"big"},"data":{"k":"{{{new string('x', 1 << 20)}}}x"}}""");
        Assert.Equal(422, answer2.Code);
    }

    [Fact]
    public async Task Large_answers_are_compressed_when_asked_for()
    {
        await ConfigMap("a", $$"""{"k":"{{new string('x', 300_000)}}"}""");
        using var request = new HttpRequestMessage(HttpMethod.Get, In("configmaps/a")) { Headers = { { "Accept-Encoding", "gzip" } } };
        using var response = await Server.Http.SendAsync(request);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        Assert.True((await response.Content.ReadAsByteArrayAsync()).Length < 20_000);
        Assert.Empty((await Get(In("configmaps/a"))).Content.ContentEncoding);
    }

    [Fact]
    public async Task HTTP_2_carries_many_requests_at_once()
    {
        await ConfigMap("a");
        using var client = Server.Client(version: HttpVersion.Version20);
        var watches = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.GetAsync(In("configmaps?watch=1&fieldSelector=metadata.name=a"), HttpCompletionOption.ResponseHeadersRead)));
        foreach (var watch in watches)
        {
            Assert.Equal(HttpVersion.Version20, watch.Version);
            using var lines = new StreamReader(await watch.Content.ReadAsStreamAsync());
            Assert.Contains("ADDED", await lines.ReadLineAsync());
            watch.Dispose();
        }
    }

    [Theory]
    [InlineData("timeout=10s", 200)]
    [InlineData("timeout=1m30s", 200)]
    [InlineData("pretty=true", 200)]
    [InlineData("unknown=1", 200)]
    public async Task Query_parameters_of_requests(string query, int code) => Assert.Equal(code, (await Get(In("configmaps?" + query))).Code);

    [Fact]
    public async Task A_timeout_that_is_none_is_refused()
    {
        Needs(22, "checking the timeout");
        Assert.Equal(400, (await Get(In("configmaps?timeout=nonsense"))).Code);
    }

    [Fact]
    public async Task Answers_are_not_to_be_cached()
    {
        var answer = await Get(In("configmaps"));
        Assert.Contains("no-cache", string.Join(',', answer.Headers.GetValues("Cache-Control")));
        Assert.Contains("\n  \"", (await Get(In("configmaps?pretty=true"))).Text);
    }

    [Fact]
    public async Task A_head_request_has_no_body()
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, In("configmaps"));
        using var response = await Server.Http.SendAsync(request);
        Assert.True((int)response.StatusCode is 200 or 405);
    }
}
