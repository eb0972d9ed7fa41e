using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Metadata(ApiServer server) : Topic(server)
{
    [Theory]
    [InlineData("configmaps", "a.b-c.1", 201)]
    [InlineData("configmaps", "9", 201)]
    [InlineData("configmaps", "A", 422)]
    [InlineData("configmaps", "a_b", 422)]
    [InlineData("configmaps", "-a", 422)]
    [InlineData("configmaps", "a-", 422)]
    [InlineData("configmaps", "a..b", 422)]
    [InlineData("configmaps", "a/b", 422)]
    [InlineData("configmaps", "ä", 422)]
    [InlineData("configmaps", "253", 201)]
    [InlineData("configmaps", "254", 422)]
    [InlineData("services", "a-1", 201)]
    [InlineData("services", "1-a", 422)]
    [InlineData("services", "a.b", 422)]
    [InlineData("services", "64", 422)]
    [InlineData("rbac.authorization.k8s.io/v1/roles", "System:x", 201)]
    [InlineData("rbac.authorization.k8s.io/v1/roles", "a%b", 422)]
    [InlineData("serviceaccounts", "a.b", 201)]
    [InlineData("serviceaccounts", "a:b", 422)]
    [InlineData("coordination.k8s.io/v1/leases", "a.b", 201)]
    public async Task Names_follow_the_rules_of_their_kind(string resource, string name, int code)
    {
        if (int.TryParse(name, out var length) && length > 9)
            name = new string('a', length);
        var spec = resource == "services" ? """{"ports":[{"port":1}]}""" : "{}";
        var answer = await Post(In(resource), $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""");
        Assert.Equal(code, answer.Code);
        if (code == 422)
            Assert.Equal(["metadata.name"], answer.CauseFields.Distinct());
    }

    [Theory]
    [InlineData("Upper", 422)]
    [InlineData("a.b", 422)]
    [InlineData("63", 201)]
    [InlineData("64", 422)]
    public async Task Namespaces_are_DNS_labels(string name, int code)
    {
        if (int.TryParse(name, out var length))
            name = Namespace + new string('a', length - Namespace.Length);
        Assert.Equal(code, (await Post("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{name}}}"}}""")).Code);
        await Delete("/api/v1/namespaces/" + name);
    }

    [Theory]
    [InlineData("a", "", 201)]
    [InlineData("a.b_c-D", "X_y.z-1", 201)]
    [InlineData("example.com/name", "v", 201)]
    [InlineData("a", "-v", 422)]
    [InlineData("a", "v w", 422)]
    [InlineData("a", "64", 422)]
    [InlineData("a", "63", 201)]
    [InlineData("", "v", 422)]
    [InlineData("a/b/c", "v", 422)]
    [InlineData("/a", "v", 422)]
    [InlineData("a/", "v", 422)]
    [InlineData("Example.com/a", "v", 422)]
    [InlineData("-a", "v", 422)]
    public async Task Labels_are_checked(string key, string value, int code)
    {
        if (value is "63" or "64")
            value = new string('x', int.Parse(value));
        var answer = await Post(In("configmaps"), $$$$"""{"metadata":{"name":"a","labels":{"{{{{key}}}}":"{{{{value}}}}"}}}""");
        Assert.Equal(code, answer.Code);
        if (code == 422)
            Assert.Equal(["metadata.labels"], answer.CauseFields.Distinct());
    }

    [Theory]
    [InlineData("a", 100, 201)]
    [InlineData("example.com/A_b", 100, 201)]
    [InlineData("Example.COM/a", 1, 201)]
    [InlineData("a b", 1, 422)]
    [InlineData("a/b/c", 1, 422)]
    [InlineData("a", 262143, 201)]
    [InlineData("a", 262144, 422)]
    public async Task Annotations_are_checked_and_limited(string key, int size, int code)
    {
        var answer = await Post(In("configmaps"), $$$$"""{"metadata":{"name":"a","annotations":{"{{{{key}}}}":"{{{{new string('x', size)}}}}"}}}""");
        Assert.Equal(code, answer.Code);
        if (code == 422)
            Assert.Contains("metadata.annotations", answer.CauseFields);
    }

    [Theory]
    [InlineData(""" "finalizers":["example.com/a"] """, 201)]
    [InlineData(""" "finalizers":["orphan"] """, 201)]
    [InlineData(""" "finalizers":["nodomain"] """, 422)]
    [InlineData(""" "finalizers":["a b/c"] """, 422)]
    [InlineData(""" "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"y"}] """, 201)]
    [InlineData(""" "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x"}] """, 422)]
    [InlineData(""" "ownerReferences":[{"kind":"ConfigMap","name":"x","uid":"y"}] """, 422)]
    [InlineData(""" "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","uid":"y"}] """, 422)]
    [InlineData(""" "ownerReferences":[{"apiVersion":"v1","kind":"Event","name":"x","uid":"y"}] """, 422)]
    [InlineData(""" "ownerReferences":[{"apiVersion":"v1","kind":"A","name":"x","uid":"y","controller":true},{"apiVersion":"v1","kind":"A","name":"z","uid":"w","controller":true}] """, 422)]
    [InlineData(""" "generateName":"a-","labels":{} """, 201)]
    public async Task Finalizers_and_owners_are_checked(string metadata, int code)
    {
        Assert.Equal(code, (await Post(In("configmaps?dryRun=All"), $$$"""{"metadata":{"name":"a",{{{metadata}}}}}""")).Code);
    }

    [Fact]
    public async Task A_generated_name_begins_as_asked_and_is_new()
    {
        var names = new HashSet<string>();
        foreach (var _ in Enumerable.Range(0, 5))
        {
            var created = (await Post(In("configmaps"), """{"metadata":{"generateName":"gen-"}}""")).Expect(201);
            Assert.Matches("^gen-[a-z0-9]{5}$", created.Name);
            Assert.Equal("gen-", created["metadata.generateName"]);
            Assert.True(names.Add(created.Name!));
        }
        var long_ = (await Post(In("configmaps"), $$$"""{"metadata":{"generateName":"{{{new string('a', 100)}}}"}}""")).Expect(201);
        Assert.Equal(63, long_.Name!.Length);
    }

    [Fact]
    public async Task What_the_system_owns_cannot_be_chosen_at_creation()
    {
        const string Body = """{"metadata":{"name":"a","uid":"mine","creationTimestamp":"2001-01-01T00:00:00Z","deletionTimestamp":"2001-01-01T00:00:00Z","deletionGracePeriodSeconds":5,"selfLink":"/x"}}""";
        var created = (await Post(In("configmaps"), Body)).Expect(201);
        Assert.NotEqual("mine", created["metadata.uid"]);
        Assert.NotEqual("2001-01-01T00:00:00Z", created["metadata.creationTimestamp"]);
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", created["metadata.creationTimestamp"]);
        Assert.Null(created["metadata.deletionTimestamp"]);
        Assert.Null(created["metadata.deletionGracePeriodSeconds"]);
    }

    [Theory]
    [InlineData("""{"metadata":{"creationTimestamp":"2001-01-01T00:00:00Z"}}""", "metadata.creationTimestamp")]
    [InlineData("""{"metadata":{"deletionTimestamp":"2001-01-01T00:00:00Z"}}""", "metadata.deletionTimestamp")]
    [InlineData("""{"metadata":{"generation":77}}""", "metadata.generation")]
    [InlineData("""{"metadata":{"selfLink":"/x"}}""", "metadata.selfLink")]
    public async Task What_the_system_owns_stays_in_an_update(string patch, string path)
    {
        var created = await ConfigMap("a");
        var answer = await Patch(In("configmaps/a"), patch);
        Assert.True(answer.Code is 200 or 422, answer.Text);
        Assert.Equal(created[path], (await Get(In("configmaps/a")))[path]);
    }

    [Fact]
    public async Task A_new_namespace_has_its_name_as_label_and_a_finalizer()
    {
        var ns = await Get("/api/v1/namespaces/" + Namespace);
        Assert.Equal(("Active", "kubernetes"), (ns["status.phase"], ns["spec.finalizers[0]"]));
        Needs(21, "the name label");
        Assert.Equal(Namespace, ns["metadata.labels['kubernetes.io/metadata.name']"]);
    }
}
