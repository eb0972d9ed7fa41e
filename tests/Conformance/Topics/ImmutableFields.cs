using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class ImmutableFields(ApiServer server) : Topic(server)
{
    private const string Template = """ "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}} """;
    private const string Selector = """ "selector":{"matchLabels":{"a":"b"}} """;

    public static TheoryData<string, string, string, string, int> Cases => new()
    {
        { "services", """{"metadata":{"name":"x"},"spec":{"ports":[{"port":80}]}}""", """{"spec":{"clusterIP":"10.96.250.250"}}""", "spec.clusterIPs[0]", 20 },
        { "secrets", """{"metadata":{"name":"x"},"type":"a.b/c"}""", """{"type":"d.e/f"}""", "type", 20 },
        { "secrets", """{"metadata":{"name":"x"},"immutable":true,"data":{"a":"YQ=="}}""", """{"data":{"a":"Yg=="}}""", "data", 20 },
        { "configmaps", """{"metadata":{"name":"x"},"immutable":true,"data":{"a":"1"}}""", """{"data":{"a":"2"}}""", "data", 20 },
        { "configmaps", """{"metadata":{"name":"x"},"immutable":true,"data":{"a":"1"}}""", """{"immutable":false}""", "immutable", 20 },
        { "apps/v1/deployments", "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"replicas\":0," + Selector + "," + Template + "}}", """{"spec":{"selector":{"matchLabels":{"c":"d"}},"template":{"metadata":{"labels":{"c":"d"}}}}}""", "spec.selector", 20 },
        { "apps/v1/replicasets", "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"replicas\":0," + Selector + "," + Template + "}}", """{"spec":{"selector":{"matchLabels":{"c":"d"}},"template":{"metadata":{"labels":{"c":"d"}}}}}""", "spec.selector", 20 },
        { "apps/v1/daemonsets", "{\"metadata\":{\"name\":\"x\"},\"spec\":{" + Selector + "," + Template + "}}", """{"spec":{"selector":{"matchLabels":{"c":"d"}},"template":{"metadata":{"labels":{"c":"d"}}}}}""", "spec.selector", 20 },
        { "apps/v1/statefulsets", "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"replicas\":0,\"serviceName\":\"s\"," + Selector + "," + Template + "}}", """{"spec":{"serviceName":"t"}}""", "spec", 20 },
        { "apps/v1/statefulsets", "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"replicas\":0,\"serviceName\":\"s\"," + Selector + "," + Template + "}}", """{"spec":{"selector":{"matchLabels":{"a":"b","c":"d"}},"template":{"metadata":{"labels":{"c":"d"}}}}}""", "spec", 20 },
        { "batch/v1/jobs", """{"metadata":{"name":"x"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"j"}]}}}}""", "spec.template", 20 },
        { "batch/v1/jobs", """{"metadata":{"name":"x"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"completions":5}}""", "spec.completions", 20 },
        { "persistentvolumeclaims", """{"metadata":{"name":"x"},"spec":{"storageClassName":"none","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"accessModes":["ReadWriteMany"]}}""", "spec", 20 },
        { "persistentvolumeclaims", """{"metadata":{"name":"x"},"spec":{"storageClassName":"none","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}""", "spec", 20 },
        { "rbac.authorization.k8s.io/v1/rolebindings", """{"metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}}""", """{"roleRef":{"name":"edit"}}""", "roleRef", 20 },
        { "apps/v1/controllerrevisions", """{"metadata":{"name":"x"},"revision":1,"data":{"a":1}}""", """{"data":{"a":2}}""", "data", 20 },
        { "discovery.k8s.io/v1/endpointslices", """{"metadata":{"name":"x"},"addressType":"IPv4","endpoints":[]}""", """{"addressType":"IPv6"}""", "addressType", 21 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task An_immutable_field_cannot_be_changed(string resource, string body, string patch, string field, int minor)
    {
        Needs(minor, resource);
        (await Post(In(resource), body)).Expect(201);
        var answer = await Patch(In(resource + "/x"), patch);
        Assert.Equal((422, "Invalid"), (answer.Code, answer["reason"]));
        Assert.Contains(field, answer.CauseFields);
        (await Patch(In(resource + "/x"), """{"metadata":{"labels":{"still":"mutable"}}}""")).Expect(200);
    }

    [Theory]
    [InlineData("storage.k8s.io/v1/storageclasses", """ "provisioner":"example.com/p","parameters":{"a":"1"}""", """{"parameters":{"a":"2"}}""", "parameters")]
    [InlineData("storage.k8s.io/v1/storageclasses", """ "provisioner":"example.com/p" """, """{"provisioner":"example.com/q"}""", "provisioner")]
    [InlineData("storage.k8s.io/v1/storageclasses", """ "provisioner":"example.com/p" """, """{"reclaimPolicy":"Retain"}""", "reclaimPolicy")]
    [InlineData("storage.k8s.io/v1/storageclasses", """ "provisioner":"example.com/p" """, """{"volumeBindingMode":"WaitForFirstConsumer"}""", "volumeBindingMode")]
    [InlineData("scheduling.k8s.io/v1/priorityclasses", """ "value":5""", """{"value":6}""", "value")]
    [InlineData("scheduling.k8s.io/v1/priorityclasses", """ "value":5""", """{"preemptionPolicy":"Never"}""", "preemptionPolicy")]
    [InlineData("rbac.authorization.k8s.io/v1/clusterrolebindings", """ "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}""", """{"roleRef":{"name":"edit"}}""", "roleRef")]
    [InlineData("node.k8s.io/v1/runtimeclasses", """ "handler":"a" """, """{"handler":"b"}""", "handler")]
    [InlineData("persistentvolumes", """ "spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/a"}}""", """{"spec":{"hostPath":{"path":"/b"}}}""", "spec.persistentvolumesource")]
    [InlineData("networking.k8s.io/v1/ingressclasses", """ "spec":{"controller":"example.com/a"}""", """{"spec":{"controller":"example.com/b"}}""", "spec.controller")]
    public async Task An_immutable_field_of_a_cluster_wide_kind_cannot_be_changed(string resource, string body, string patch, string field)
    {
        var root = resource.Contains('/', StringComparison.Ordinal) ? "/apis/" + resource : "/api/v1/" + resource;
        (await Post(root, $$"""{"metadata":{"name":"{{Namespace}}"},{{body}}}""")).Expect(201);
        try
        {
            var answer = await Patch($"{root}/{Namespace}", patch);
            Assert.Equal((422, "Invalid"), (answer.Code, answer["reason"]));
            Assert.Contains(field, answer.CauseFields, StringComparer.OrdinalIgnoreCase);
        }
        finally
        {
            await Delete($"{root}/{Namespace}");
        }
    }

    [Fact]
    public async Task Of_a_pod_only_a_few_fields_can_be_changed()
    {
        await NeedsPodsAsync();
        (await Post(In("pods"), """{"metadata":{"name":"x"},"spec":{"containers":[{"name":"c","image":"i:1"}]}}""")).Expect(201);
        (await Patch(In("pods/x"), """{"spec":{"containers":[{"name":"c","image":"i:2"}]}}""", Strategic)).Expect(200);
        (await Patch(In("pods/x"), """{"spec":{"activeDeadlineSeconds":100}}""", Strategic)).Expect(200);
        foreach (var patch in new[] { """{"spec":{"hostNetwork":true}}""", """{"spec":{"containers":[{"name":"c","command":["x"]}]}}""", """{"spec":{"nodeSelector":{"a":"b"}}}""", """{"spec":{"restartPolicy":"Never"}}""", """{"spec":{"nodeName":"n"}}""" })
        {
            var answer = await Patch(In("pods/x"), patch, Strategic);
            Assert.Equal(422, answer.Code);
            Assert.Contains("pod updates may not change fields other than", answer["message"]);
        }
    }
}
