using System.Text.Json.Nodes;
using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class ServerSideApply(ApiServer server) : Topic(server)
{
    private const string Head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n";
    private const string Full = Head + "spec:\n  paused: true\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - {name: one, image: 'i:1'}\n      - {name: two, image: 'i:2'}\n";

    private Task<Answer> As(string manager, string resource, string body, string more = "") =>
        Server.SendAsync("PATCH", In($"{resource}?fieldManager={manager}{more}"), body, Apply);

    private static string Map(string data, string metadata = "") =>
        $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"{{metadata}}},"data":{{data}}}""";

    private Task<Answer> MapAs(string manager, string data, string more = "", string metadata = "") => As(manager, "configmaps/m", Map(data, metadata), more);

    private static JsonNode? Entry(Answer answer, string manager, string operation = "Apply", string? subresource = null) =>
        answer.Json.Items("metadata.managedFields").SingleOrDefault(e => e.Text("manager") == manager && e.Text("operation") == operation && e.Text("subresource") == subresource);

    private static string? Fields(Answer answer, string manager, string operation = "Apply") => Entry(answer, manager, operation).Text("fieldsV1");

    [Fact]
    public async Task Apply_creates_and_owns_exactly_what_it_says()
    {
        var created = await MapAs("one", """{"a":"1"}""");
        Assert.Equal(201, created.Code);
        var entry = Entry(created, "one")!;
        Assert.Equal(("v1", "FieldsV1"), (entry.Text("apiVersion"), entry.Text("fieldsType")));
        Assert.NotNull(entry.Text("time"));
        Assert.Equal("""{"f:a":{}}""", entry.Text("fieldsV1.f:data"));
    }

    [Fact]
    public async Task Another_managers_field_is_a_conflict_that_names_it()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        var refused = await MapAs("two", """{"a":"2","c":"2"}""");
        Assert.Equal((409, "Conflict"), (refused.Code, refused["reason"]));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .data.a", refused["message"]);
        var cause = Assert.Single(refused.Json.Items("details.causes"));
        Assert.Equal(("FieldManagerConflict", "conflict with \"one\"", ".data.a"), (cause.Text("reason"), cause.Text("message"), cause.Text("field")));
        Assert.Null((await Get(In("configmaps/m")))["data.c"]);
    }

    [Fact]
    public async Task Several_conflicts_are_listed()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        var refused = await MapAs("two", """{"a":"2","b":"2"}""");
        Assert.Equal("Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.a\n- .data.b", refused["message"]);
    }

    [Fact]
    public async Task The_same_value_is_shared_and_stays_until_both_let_go()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        (await MapAs("two", """{"a":"1"}""")).Expect(200);
        var after = (await MapAs("one", """{"b":"1"}""")).Expect(200);
        Assert.Equal(("1", "1"), (after["data.a"], after["data.b"]));
        Assert.DoesNotContain("f:a", Fields(after, "one"));
        var last = (await MapAs("two", """{"z":"1"}""")).Expect(200);
        Assert.Equal("""{"b":"1","z":"1"}""", last["data"]);
    }

    [Fact]
    public async Task Force_takes_the_field_over()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        var taken = (await MapAs("two", """{"a":"2"}""", "&force=true")).Expect(200);
        Assert.Equal("2", taken["data.a"]);
        Assert.DoesNotContain("f:a", Fields(taken, "one"));
        Assert.Contains("f:a", Fields(taken, "two"));
    }

    [Fact]
    public async Task What_is_no_longer_applied_is_removed()
    {
        await MapAs("one", """{"a":"1","b":"1"}""", metadata: ""","labels":{"x":"1","y":"1"}""");
        var after = (await MapAs("one", """{"a":"1"}""", metadata: ""","labels":{"x":"1"}""")).Expect(200);
        Assert.Equal(("""{"a":"1"}""", """{"x":"1"}"""), (after["data"], after["metadata.labels"]));
    }

    [Fact]
    public async Task Applying_the_same_again_changes_nothing()
    {
        var first = await MapAs("one", """{"a":"1"}""");
        var second = await MapAs("one", """{"a":"1"}""");
        Assert.Equal((200, first.Version), (second.Code, second.Version));
    }

    [Fact]
    public async Task An_update_takes_ownership_and_makes_the_next_apply_conflict()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        var updated = (await Server.SendAsync("PATCH", In("configmaps/m?fieldManager=editor"), """{"data":{"a":"2"}}""", Merge)).Expect(200);
        Assert.Contains("f:a", Fields(updated, "editor", "Update"));
        Assert.DoesNotContain("f:a", Fields(updated, "one"));
        var refused = await MapAs("one", """{"a":"1","b":"1"}""");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.a"), (refused.Code, WithoutTime(refused["message"]!)));
    }

    [Fact]
    public async Task An_update_that_removes_a_field_ends_its_ownership()
    {
        await MapAs("one", """{"a":"1","b":"1"}""");
        var updated = (await Server.SendAsync("PATCH", In("configmaps/m?fieldManager=editor"), """{"data":{"a":null}}""", Merge)).Expect(200);
        Assert.DoesNotContain("f:a", Fields(updated, "one"));
        Assert.Null(Entry(updated, "editor", "Update"));
    }

    [Fact]
    public async Task Creates_and_updates_of_one_manager_share_one_entry()
    {
        (await Server.SendAsync("POST", In("configmaps?fieldManager=me"), """{"metadata":{"name":"m"},"data":{"a":"1"}}""")).Expect(201);
        var after = (await Server.SendAsync("PATCH", In("configmaps/m?fieldManager=me"), """{"data":{"b":"1"}}""", Merge)).Expect(200);
        Assert.Equal("""{".":{},"f:a":{},"f:b":{}}""", Entry(after, "me", "Update").Text("fieldsV1.f:data"));
    }

    [Fact]
    public async Task Without_a_manager_the_user_agent_is_one_but_apply_needs_its_name()
    {
        Assert.NotNull(Entry(await ConfigMap("m"), "conformance", "Update"));
        var refused = await Server.SendAsync("PATCH", In("configmaps/m"), Map("{}"), Apply);
        Assert.Equal(422, refused.Code);
        Assert.Contains("fieldManager", refused.CauseFields);
    }

    [Fact]
    public async Task List_items_are_owned_by_their_keys()
    {
        var created = (await As("one", "apps/v1/deployments/d", Full)).Expect(201);
        Assert.Contains("k:{\\\"name\\\":\\\"one\\\"}", Fields(created, "one")!.Replace("\\u0022", "\\\"", StringComparison.Ordinal));
        var joined = (await As("two", "apps/v1/deployments/d", Head + "spec:\n  template:\n    spec:\n      containers:\n      - {name: three, image: 'i:3'}\n")).Expect(200);
        Assert.Equal(["one", "two", "three"], joined.Json.Items("spec.template.spec.containers").Select(c => c.Text("name")!).OrderBy(n => n == "one" ? 0 : n == "two" ? 1 : 2));
        var left = (await As("one", "apps/v1/deployments/d", Full.Replace("      - {name: two, image: 'i:2'}\n", "", StringComparison.Ordinal))).Expect(200);
        Assert.Equal(["one", "three"], left.Json.Items("spec.template.spec.containers").Select(c => c.Text("name")!).Order());
    }

    [Fact]
    public async Task A_conflict_inside_of_a_list_item_tells_its_path()
    {
        await As("one", "apps/v1/deployments/d", Full);
        var refused = await As("two", "apps/v1/deployments/d", Head + "spec:\n  template:\n    spec:\n      containers:\n      - {name: one, image: 'i:9'}\n");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .spec.template.spec.containers[name=\"one\"].image", refused["message"]);
    }

    [Fact]
    public async Task Ports_are_keyed_by_number_and_protocol()
    {
        const string Service = """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"a":"b"},"ports":[{"port":80,"name":"tcp","protocol":"TCP"},{"port":80,"name":"udp","protocol":"UDP"}]}}""";
        var created = (await As("one", "services/s", Service)).Expect(201);
        Assert.Contains("f:spec", Fields(created, "one"));
        var after = (await As("one", "services/s", Service.Replace(""",{"port":80,"name":"udp","protocol":"UDP"}""", "", StringComparison.Ordinal))).Expect(200);
        Assert.Equal("TCP", Assert.Single(after.Json.Items("spec.ports")).Text("protocol"));
    }

    [Fact]
    public async Task Defaulted_list_keys_need_not_be_said()
    {
        Needs(23, "defaults of list keys");
        const string Service = """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""";
        (await As("one", "services/s", Service)).Expect(201);
        var again = (await As("one", "services/s", Service.Replace("80", "81", StringComparison.Ordinal))).Expect(200);
        Assert.Equal("81", Assert.Single(again.Json.Items("spec.ports")).Text("port"));
    }

    [Fact]
    public async Task Finalizers_are_a_set_and_owner_references_a_map()
    {
        (await MapAs("one", "{}", metadata: ""","finalizers":["example.com/a"]""")).Expect(201);
        var both = (await MapAs("two", "{}", metadata: ""","finalizers":["example.com/b"]""")).Expect(200);
        Assert.Equal(["example.com/a", "example.com/b"], both.Json.Texts("metadata.finalizers").Order());
        var one = (await MapAs("one", "{}")).Expect(200);
        Assert.Equal(["example.com/b"], one.Json.Texts("metadata.finalizers"));
        await MapAs("two", "{}");
    }

    [Fact]
    public async Task The_status_has_entries_of_its_own()
    {
        Needs(22, "the subresource of managed fields");
        await As("one", "apps/v1/deployments/d", Full);
        var status = (await As("one", "apps/v1/deployments/d/status", Head + "status: {observedGeneration: 1}\n")).Expect(200);
        Assert.NotNull(Entry(status, "one", "Apply", "status"));
        Assert.NotNull(Entry(status, "one"));
        var again = (await As("one", "apps/v1/deployments/d", Full)).Expect(200);
        Assert.Equal("1", again["status.observedGeneration"]);
        var refused = await As("two", "apps/v1/deployments/d/status", Head + "status: {observedGeneration: 2}\n");
        Assert.Contains("conflict with \"one\" with subresource \"status\": .status.observedGeneration", refused["message"]);
    }

    [Fact]
    public async Task Scaling_owns_the_replicas()
    {
        Needs(22, "the subresource of managed fields");
        await As("one", "apps/v1/deployments/d", Full);
        (await Server.SendAsync("PATCH", In("apps/v1/deployments/d/scale?fieldManager=scaler"), """{"spec":{"replicas":3}}""", Merge)).Expect(200);
        var entry = Entry(await Get(In("apps/v1/deployments/d")), "scaler", "Update", "scale")!;
        Assert.Equal("""{"f:replicas":{}}""", entry.Text("fieldsV1.f:spec"));
    }

    [Fact]
    public async Task Managed_fields_can_be_reset_but_not_applied()
    {
        await MapAs("one", """{"a":"1"}""");
        Assert.Equal(400, (await MapAs("one", """{"a":"1"}""", metadata: ""","managedFields":[{"manager":"x"}]""")).Code);
        var reset = (await Patch(In("configmaps/m"), """{"metadata":{"managedFields":[{}]}}""")).Expect(200);
        Assert.Empty(reset.Json.Items("metadata.managedFields"));
        var refused = await MapAs("two", """{"a":"2"}""");
        Assert.Contains("conflict with \"before-first-apply\" using v1", refused["message"]);
        (await MapAs("two", """{"a":"2"}""", "&force=true")).Expect(200);
    }

    [Theory]
    [InlineData("""{"kind":"ConfigMap","metadata":{"name":"m"}}""", 400)]
    [InlineData("""{"apiVersion":"v1","metadata":{"name":"m"}}""", 400)]
    [InlineData("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"m"}}""", 400)]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n"}}""", 400)]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"other"}}""", 400)]
    [InlineData("""[]""", 400)]
    [InlineData("""{""", 400)]
    public async Task A_configuration_of_something_else_is_refused(string body, int code)
    {
        var answer = (await As("one", "configmaps/m", body)).Code;
        Assert.True(answer == code || (answer == 500 && Server.Minor < 25), $"{answer}");
        Assert.Equal(404, (await Get(In("configmaps/m"))).Code);
    }

    [Fact]
    public async Task An_apply_with_a_stale_version_is_a_conflict()
    {
        var first = await MapAs("one", """{"a":"1"}""");
        await MapAs("one", """{"a":"2"}""");
        var answer = await MapAs("one", """{"a":"3"}""", metadata: $""","resourceVersion":"{first.Version}" """);
        Assert.Equal((409, "2"), (answer.Code, (await Get(In("configmaps/m")))["data.a"]));
    }

    [Fact]
    public async Task A_dry_run_of_apply_shows_and_keeps_nothing()
    {
        Assert.Equal(201, (await MapAs("one", """{"a":"1"}""", "&dryRun=All")).Code);
        Assert.Equal(404, (await Get(In("configmaps/m"))).Code);
    }

    [Fact]
    public async Task An_atomic_value_is_owned_as_a_whole()
    {
        Needs(22, "the selector of services as an atomic map");
        var created = (await As("one", "services/s", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"a":"b"},"ports":[{"port":80,"protocol":"TCP"}]}}""")).Expect(201);
        Assert.Equal("{}", Entry(created, "one").Text("fieldsV1.f:spec.f:selector"));
        var refused = await As("two", "services/s", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"c":"d"}}}""");
        Assert.Contains(".spec.selector", refused["message"]);
    }

    [Fact]
    public async Task Kubectl_migrates_from_client_side_to_server_side_apply()
    {
        const string Manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: '1', b: '1'}\n";
        (await Kubectl("apply -f -", Manifest)).Require();
        (await Kubectl("apply --server-side -f -", Manifest)).Require();
        (await Kubectl("apply --server-side -f -", Manifest.Replace(", b: '1'", "", StringComparison.Ordinal))).Require();
        Assert.Equal("""{"a":"1"}""", (await Get(In("configmaps/m")))["data"]);
        Assert.Contains("conflict", (await Kubectl("apply --server-side --field-manager=other -f -", Manifest.Replace("a: '1'", "a: '2'", StringComparison.Ordinal))).Error);
        Assert.Contains("serverside-applied", (await Kubectl("apply --server-side --force-conflicts --field-manager=other -f -", Manifest)).Require());
    }

    /// <summary>Conflicts with updates tell when, in versions that differ: "using v1 at 2026-…".</summary>
    private static string WithoutTime(string message) => System.Text.RegularExpressions.Regex.Replace(message, " at [0-9TZ:-]+", "");
}
