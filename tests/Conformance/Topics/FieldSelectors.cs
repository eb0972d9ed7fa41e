using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class FieldSelectors(ApiServer server) : Topic(server)
{
    [Theory]
    [InlineData("configmaps", "metadata.name=x")]
    [InlineData("configmaps", "metadata.namespace=x")]
    [InlineData("pods", "spec.nodeName=x")]
    [InlineData("pods", "spec.restartPolicy=Always")]
    [InlineData("pods", "spec.schedulerName=x")]
    [InlineData("pods", "spec.serviceAccountName=x")]
    [InlineData("pods", "status.phase!=Running")]
    [InlineData("pods", "status.podIP=1.2.3.4")]
    [InlineData("pods", "status.nominatedNodeName=x")]
    [InlineData("secrets", "type=Opaque")]
    [InlineData("events", "involvedObject.kind=Pod")]
    [InlineData("events", "involvedObject.namespace=x")]
    [InlineData("events", "involvedObject.name=x")]
    [InlineData("events", "involvedObject.uid=x")]
    [InlineData("events", "involvedObject.apiVersion=v1")]
    [InlineData("events", "involvedObject.fieldPath=x")]
    [InlineData("events", "reason=x,type=Normal")]
    [InlineData("events", "source=x")]
    [InlineData("batch/v1/jobs", "status.successful=1")]
    public async Task A_declared_field_can_be_selected(string resource, string selector) =>
        (await Get(In($"{resource}?fieldSelector={Uri.EscapeDataString(selector)}"))).Expect(200);

    [Theory]
    [InlineData("/api/v1/namespaces", "status.phase=Active")]
    [InlineData("/api/v1/nodes", "spec.unschedulable=true")]
    [InlineData("/apis/certificates.k8s.io/v1/certificatesigningrequests", "spec.signerName=x")]
    [InlineData("/api/v1/persistentvolumes", "metadata.name=x")]
    public async Task A_declared_field_of_a_cluster_wide_kind_can_be_selected(string path, string selector) =>
        (await Get($"{path}?fieldSelector={Uri.EscapeDataString(selector)}")).Expect(200);

    [Theory]
    [InlineData("configmaps", "data.k=1")]
    [InlineData("configmaps", "metadata.uid=1")]
    [InlineData("pods", "spec.containers=1")]
    [InlineData("pods", "status.reason=1")]
    [InlineData("secrets", "metadata.labels=1")]
    [InlineData("services", "spec.selector=x")]
    [InlineData("apps/v1/deployments", "spec.replicas=1")]
    [InlineData("persistentvolumeclaims", "status.phase=Bound")]
    public async Task Any_other_field_is_refused(string resource, string selector)
    {
        var answer = await Get(In($"{resource}?fieldSelector={selector}"));
        Assert.Equal((400, "BadRequest"), (answer.Code, answer["reason"]));
        Assert.Matches("field label not supported|is not a known field selector", answer["message"]);
    }

    [Fact]
    public async Task Selections_are_joined_by_and_and_can_be_negated()
    {
        foreach (var (name, type) in new[] { ("a", "one"), ("b", "two"), ("c", "two") })
            (await Post(In("secrets"), $$$"""{"metadata":{"name":"{{{name}}}","labels":{"mine":"1"}},"type":"example.com/{{{type}}}"}""")).Expect(201);
        Assert.Equal(["b", "c"], (await Get(In("secrets?labelSelector=mine&fieldSelector=type=example.com/two"))).Names);
        Assert.Equal(["c"], (await Get(In("secrets?labelSelector=mine&fieldSelector=type==example.com/two,metadata.name!=b"))).Names);
        Assert.Equal(["a"], (await Get(In("secrets?labelSelector=mine&fieldSelector=type!=example.com/two"))).Names);
    }

    [Fact]
    public async Task An_event_is_found_by_what_it_is_about()
    {
        (await Post(In("events"), $$$"""{"metadata":{"name":"e.1"},"involvedObject":{"kind":"Pod","name":"p","namespace":"{{{Namespace}}}"},"reason":"Why","message":"m","type":"Warning","source":{"component":"me"}}""")).Expect(201);
        Assert.Equal(["e.1"], (await Get(In("events?fieldSelector=involvedObject.kind=Pod,involvedObject.name=p,reason=Why,type=Warning,source=me"))).Names);
        Assert.Empty((await Get(In("events?fieldSelector=involvedObject.name=q"))).Names);
        var shown = await Get(In("events.k8s.io/v1/events/e.1"));
        Assert.Equal(("p", "m", "me"), (shown["regarding.name"], shown["note"], shown["deprecatedSource.component"]));
    }
}
