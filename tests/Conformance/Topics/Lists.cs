using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Lists(ApiServer server) : Topic(server)
{
    [Fact]
    public async Task A_paged_list_is_the_list_as_it_was_at_its_first_page()
    {
        foreach (var i in Enumerable.Range(0, 7))
            await ConfigMap($"p{i}", metadata: """ "labels":{"page":"yes"} """);
        var page = await Get(In("configmaps?labelSelector=page&limit=3"));
        var version = page.Version;
        (await Delete(In("configmaps/p5"))).Expect(200);
        await ConfigMap("p55", metadata: """ "labels":{"page":"yes"} """);
        var names = page.Names.ToList();
        while (page["metadata.continue"] is { Length: > 0 } next)
        {
            page = (await Get(In($"configmaps?labelSelector=page&limit=3&continue={next}"))).Expect(200);
            Assert.Equal(version, page.Version);
            names.AddRange(page.Names);
        }
        Assert.Equal(["p0", "p1", "p2", "p3", "p4", "p5", "p6"], names);
    }

    [Fact]
    public async Task A_page_tells_how_many_remain_unless_a_selector_hides_it()
    {
        foreach (var i in Enumerable.Range(0, 5))
            await Post(In("secrets"), $$$$"""{"metadata":{"name":"s{{{{i}}}}","labels":{"l":"x"}}}""");
        var total = (await Get(In("secrets"))).Names.Count();
        var page = await Get(In("secrets?limit=2"));
        Assert.Equal(($"{total - 2}", 2), (page["metadata.remainingItemCount"], page.Names.Count()));
        Assert.Null((await Get(In("secrets?limit=2&labelSelector=l")))["metadata.remainingItemCount"]);
        var last = await Get(In($"secrets?limit=50&continue={page["metadata.continue"]}"));
        Assert.Null(last["metadata.continue"]);
        Assert.Equal(total - 2, last.Names.Count());
    }

    [Fact]
    public async Task The_version_of_a_list_is_that_of_the_whole_store()
    {
        var created = await ConfigMap("a");
        var list = await Get(In("configmaps"));
        Assert.True(long.Parse(list.Version) >= long.Parse(created.Version));
        Assert.Equal(("ConfigMapList", "v1"), (list["kind"], list["apiVersion"]));
    }

    [Fact]
    public async Task Items_of_built_in_lists_have_no_type_of_their_own()
    {
        await ConfigMap("a");
        var list = await Get(In("configmaps?fieldSelector=metadata.name=a"));
        Assert.Equal((null, null, "a"), (list["items[0].kind"], list["items[0].apiVersion"], list["items[0].metadata.name"]));
        var empty = await Get(In("configmaps?fieldSelector=metadata.name=none"));
        Assert.Equal("[]", empty["items"]);
    }

    [Theory]
    [InlineData("", "a,b,c,d")]
    [InlineData("tier=web", "a,b")]
    [InlineData("tier==web", "a,b")]
    [InlineData("tier!=web", "c,d")]
    [InlineData("tier in (web,db)", "a,b,c")]
    [InlineData("tier notin (web,db)", "d")]
    [InlineData("tier", "a,b,c")]
    [InlineData("!tier", "d")]
    [InlineData("tier=web,env=prod", "a")]
    [InlineData("tier in (web),env notin (prod)", "b")]
    [InlineData("env in (prod, dev),tier", "a,b,c")]
    [InlineData("size>5", "b")]
    [InlineData("size<5", "a")]
    [InlineData("example.com/x=y", "d")]
    [InlineData("example.com/x", "d")]
    [InlineData("tier=", "")]
    [InlineData(" tier = web ", "a,b")]
    public async Task Label_selectors_select(string selector, string expected)
    {
        await ConfigMap("a", metadata: """ "labels":{"tier":"web","env":"prod","size":"3","all":"1"} """);
        await ConfigMap("b", metadata: """ "labels":{"tier":"web","env":"dev","size":"10","all":"1"} """);
        await ConfigMap("c", metadata: """ "labels":{"tier":"db","env":"prod","all":"1"} """);
        await ConfigMap("d", metadata: """ "labels":{"example.com/x":"y","all":"1"} """);
        var both = selector.Length > 0 ? "all=1," + selector : "all=1";
        var list = (await Get(In("configmaps?labelSelector=" + Uri.EscapeDataString(both)))).Expect(200);
        Assert.Equal(expected, string.Join(',', list.Names));
    }

    [Theory]
    [InlineData("a=b=c")]
    [InlineData("a in b")]
    [InlineData("a in (b")]
    [InlineData("a>x")]
    [InlineData("!a=b")]
    [InlineData("a,,b")]
    [InlineData("-a")]
    [InlineData("a=b!")]
    [InlineData("a b")]
    [InlineData("x/y/z=1")]
    public async Task A_malformed_label_selector_is_refused(string selector) =>
        Assert.Equal(400, (await Get(In("configmaps?labelSelector=" + Uri.EscapeDataString(selector)))).Code);

    [Theory]
    [InlineData("resourceVersion=0", 200, null)]
    [InlineData("resourceVersion=0&resourceVersionMatch=NotOlderThan", 200, null)]
    [InlineData("resourceVersion=RV&resourceVersionMatch=NotOlderThan", 200, null)]
    [InlineData("resourceVersion=RV&resourceVersionMatch=Exact", 200, null)]
    [InlineData("resourceVersion=RV&resourceVersionMatch=Exact&limit=1", 200, null)]
    [InlineData("resourceVersionMatch=Exact", 422, "resourceVersionMatch")]
    [InlineData("resourceVersionMatch=NotOlderThan", 422, "resourceVersionMatch")]
    [InlineData("resourceVersion=0&resourceVersionMatch=Exact", 422, "resourceVersionMatch")]
    [InlineData("resourceVersion=RV&resourceVersionMatch=Nearly", 422, "resourceVersionMatch")]
    [InlineData("resourceVersion=RV&resourceVersionMatch=Exact&continue=CONT", 422, "resourceVersionMatch")]
    [InlineData("watch=1&resourceVersion=RV&resourceVersionMatch=Exact", 422, "resourceVersionMatch")]
    public async Task The_version_match_of_a_list_is_checked(string query, int code, string? field)
    {
        await ConfigMap("a");
        await ConfigMap("b");
        var first = await Get(In("configmaps?limit=1"));
        var answer = await Get(In("configmaps?" + query.Replace("RV", first.Version, StringComparison.Ordinal).Replace("CONT", first["metadata.continue"], StringComparison.Ordinal)));
        Assert.Equal(code, answer.Code);
        if (field is not null)
            Assert.Contains(field, answer.CauseFields);
    }

    [Fact]
    public async Task An_exact_version_shows_the_past()
    {
        await ConfigMap("a");
        var version = (await Get(In("configmaps"))).Version;
        await ConfigMap("b");
        (await Patch(In("configmaps/a"), """{"data":{"k":"2"}}""")).Expect(200);
        var past = (await Get(In($"configmaps?resourceVersion={version}&resourceVersionMatch=Exact&fieldSelector=metadata.name!=kube-root-ca.crt"))).Expect(200);
        Assert.Equal((version, "1"), (past.Version, past["items[0].data.k"]));
        Assert.Equal(["a"], past.Names);
    }

    [Fact]
    public async Task A_version_of_the_future_times_out()
    {
        var answer = await Get(In("configmaps?resourceVersion=99999999999"));
        Assert.Equal((504, "Timeout", "ResourceVersionTooLarge"), (answer.Code, answer["reason"], answer["details.causes[0].reason"]));
        Assert.Contains("Too large resource version", answer["message"]);
    }

    [Fact]
    public async Task A_continue_token_of_forgotten_history_is_gone()
    {
        await ConfigMap("a");
        await ConfigMap("b");
        var next = (await Get(In("configmaps?limit=1")))["metadata.continue"];
        await ConfigMap("c");
        Assert.SkipUnless(Server.ForgetHistory(), "the history of this server can't be compacted from outside");
        var answer = await Get(In($"configmaps?limit=1&continue={next}"));
        Assert.Equal((410, "Expired"), (answer.Code, answer["reason"]));
    }

    [Fact]
    public async Task Lists_over_all_namespaces_are_ordered_by_namespace_and_name()
    {
        await using var other = await TestNamespace.CreateAsync(Server);
        foreach (var path in new[] { other.Path("configmaps"), In("configmaps") })
        {
            foreach (var name in new[] { "z", "a" })
                (await Post(path, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"of":"{{{{Namespace}}}}"}}}""")).Expect(201);
        }
        var list = await Get($"/api/v1/configmaps?labelSelector=of={Namespace}");
        var keys = list.Json.Items("items").Select(i => $"{i.Text("metadata.namespace")}/{i.Text("metadata.name")}").ToList();
        Assert.Equal(4, keys.Count);
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
    }
}
