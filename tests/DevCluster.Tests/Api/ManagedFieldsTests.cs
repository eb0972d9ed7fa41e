using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>Server-side apply and field ownership as functions.</summary>
public sealed class ManagedFieldsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void What_an_applier_stops_applying_goes_away_unless_another_owns_it()
    {
        var live = Apply(null, """{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","b":"1"}}""", "one");
        live = Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","data":{"b":"1","c":"1"}}""", "two");
        live = Apply(live, """{"apiVersion":"v1","kind":"ConfigMap","data":{}}""", "one");
        Assert.Equal("""{"b":"1","c":"1"}""", live["data"]!.ToJsonString());
    }

    [Fact]
    public void A_field_of_another_manager_conflicts_until_it_is_forced_and_then_changes_hands()
    {
        var live = Apply(null, """{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"}}""", "one");
        const string Wish = """{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"2"}}""";
        var refused = Assert.Throws<ApiException>(() => Apply(live, Wish, "two"));
        Assert.Equal((409, "Conflict", "Apply failed with 1 conflict: conflict with \"one\": .data.a"), (refused.Code, refused.Reason, refused.Message));
        var forced = Apply(live, Wish, "two", force: true);
        Assert.Equal("2", forced.Str("data", "a"));
        Assert.Equal(["two"], ManagedFields.Read(forced).Select(e => e.Manager));
    }

    [Fact]
    public void The_same_value_may_have_several_owners()
    {
        const string Wish = """{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"}}""";
        var live = Apply(Apply(null, Wish, "one"), Wish, "two");
        Assert.Equal(["one", "two"], ManagedFields.Read(live).Select(e => e.Manager));
    }

    [Fact]
    public void List_maps_are_owned_item_by_item_with_defaults_in_their_keys()
    {
        var schema = BuiltinSchemas.For("core.v1.Service");
        var live = Apply(null, """{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80}]}}""", "one", schema: schema);
        live = Apply(live, """{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80,"protocol":"UDP"}]}}""", "two", schema: schema);
        Assert.Equal(2, live.Arr("spec", "ports")!.Count);
        live = Apply(live, """{"apiVersion":"v1","kind":"Service","spec":{}}""", "one", schema: schema);
        Assert.Equal("""[{"port":80,"protocol":"UDP"}]""", live.At("spec", "ports")!.ToJsonString());
        Assert.Contains(".spec.ports[port=80,protocol=\"UDP\"]", ManagedFields.Read(live).Single(e => e.Manager == "two").Fields.Paths());
    }

    [Fact]
    public void An_update_takes_over_what_it_changes_and_releases_what_it_removes()
    {
        var live = Apply(null, """{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","b":"1"}}""", "one");
        var after = live.Copy();
        after.Obj("data")!["a"] = "2";
        after.Obj("data")!.Remove("b");
        ManagedFields.Track(live, after, BuiltinSchemas.For("core.v1.ConfigMap"), "editor", "", Now);
        var entries = ManagedFields.Read(after);
        Assert.Equal(["editor"], entries.Select(e => e.Manager));
        Assert.Equal([".data.a"], entries[0].Fields.Paths());
    }

    [Fact]
    public void Applying_the_same_again_changes_nothing_at_all()
    {
        const string Wish = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels":{"x":"y"}},"data":{"a":"1"}}""";
        var live = Apply(null, Wish, "one");
        Assert.True(Apply(live, Wish, "one", now: Now.AddHours(1)).SameAs(live));
    }

    [Fact]
    public void Field_sets_survive_their_JSON_form()
    {
        var set = FieldSet.Of(JsonReader.ParseObject("""{"spec":{"containers":[{"name":"a","env":[{"name":"E","value":"1"}]}],"nodeSelector":{"x":"y"}}}"""u8), BuiltinSchemas.For("core.v1.Pod"));
        Assert.True(set.SameAs(FieldSet.FromJson(set.ToJson())));
        Assert.Contains(".spec.nodeSelector", set.Paths());
        Assert.Contains(".spec.containers[name=\"a\"].env[name=\"E\"].value", set.Paths());
    }

    private static JsonObject Apply(JsonObject? live, string config, string manager, bool force = false, Schema? schema = null, DateTimeOffset? now = null) =>
        ManagedFields.Apply(live, JsonReader.ParseObject(System.Text.Encoding.UTF8.GetBytes(config)), schema ?? BuiltinSchemas.For("core.v1.ConfigMap"), manager, "", force, now ?? Now);
}
