using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class OpenApi(ApiServer server) : Topic(server)
{
    /// <summary>kubectl's default output wants OpenAPI v3, which old servers lack.</summary>
    private string Explain => Server.Minor < 24 ? "explain --output=plaintext-openapiv2" : "explain";

    [Theory]
    [InlineData("io.k8s.api.core.v1.Pod", "", "v1", "Pod")]
    [InlineData("io.k8s.api.core.v1.ConfigMap", "", "v1", "ConfigMap")]
    [InlineData("io.k8s.api.apps.v1.Deployment", "apps", "v1", "Deployment")]
    [InlineData("io.k8s.api.batch.v1.Job", "batch", "v1", "Job")]
    [InlineData("io.k8s.api.rbac.v1.Role", "rbac.authorization.k8s.io", "v1", "Role")]
    [InlineData("io.k8s.api.storage.v1.StorageClass", "storage.k8s.io", "v1", "StorageClass")]
    [InlineData("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", "apiextensions.k8s.io", "v1", "CustomResourceDefinition")]
    [InlineData("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService", "apiregistration.k8s.io", "v1", "APIService")]
    public async Task The_v2_document_defines_kinds(string name, string group, string version, string kind)
    {
        var document = (await Get("/openapi/v2")).Expect(200);
        Assert.Equal("2.0", document["swagger"]);
        var definition = document.Json.At($"definitions['{name}']");
        Assert.NotNull(definition);
        var gvk = definition.Items("x-kubernetes-group-version-kind").First(g => g.Text("kind") == kind);
        Assert.Equal((group, version), (gvk.Text("group"), gvk.Text("version")));
        Assert.NotNull(definition.At("properties.metadata.$ref"));
    }

    [Theory]
    [InlineData("/api/v1/namespaces/{namespace}/pods", "get", "list")]
    [InlineData("/api/v1/namespaces/{namespace}/pods", "post", "post")]
    [InlineData("/api/v1/namespaces/{namespace}/pods/{name}", "patch", "patch")]
    [InlineData("/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "put", "put")]
    [InlineData("/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}", "delete", "delete")]
    public async Task The_v2_document_has_the_paths(string path, string method, string action)
    {
        var operation = (await Get("/openapi/v2")).Json.At($"paths['{path}'].{method}");
        Assert.Equal(action, operation.Text("x-kubernetes-action"));
        Assert.NotNull(operation.At("x-kubernetes-group-version-kind"));
    }

    [Theory]
    [InlineData("containers", "name", "merge")]
    [InlineData("volumes", "name", "merge")]
    [InlineData("imagePullSecrets", "name", "merge")]
    [InlineData("tolerations", null, null)]
    public async Task Lists_tell_how_they_merge(string list, string? key, string? strategy)
    {
        var document = (await Get("/openapi/v2")).Json;
        var reference = document.Text("definitions['io.k8s.api.core.v1.Pod'].properties.spec.$ref")!.Split('/')[^1];
        var property = document.At($"definitions['{reference}'].properties.{list}");
        Assert.Equal(key, property.Text("x-kubernetes-patch-merge-key"));
        Assert.Equal(strategy, property.Text("x-kubernetes-patch-strategy")?.Split(',')[0]);
    }

    [Theory]
    [InlineData("api/v1", "io.k8s.api.core.v1.Pod")]
    [InlineData("apis/apps/v1", "io.k8s.api.apps.v1.Deployment")]
    [InlineData("apis/batch/v1", "io.k8s.api.batch.v1.Job")]
    public async Task The_v3_documents_are_listed_and_served(string path, string name)
    {
        Needs(27, "OpenAPI v3");
        var url = (await Get("/openapi/v3")).Json.Text($"paths['{path}'].serverRelativeURL");
        Assert.Matches($"^/openapi/v3/{path}\\?hash=", url);
        var document = (await Get(url!)).Expect(200);
        Assert.StartsWith("3.0", document["openapi"]);
        Assert.NotNull(document.Json.At($"components.schemas['{name}'].properties"));
    }

    [Theory]
    [InlineData("pods", "containerPort", "hostIP", "<[]Container>")]
    [InlineData("pods.spec.containers", "imagePullPolicy", "volumeMounts", "<[]EnvVar>")]
    [InlineData("services", "clusterIP", "targetPort", "<[]ServicePort>")]
    [InlineData("configmaps", "binaryData", "immutable", "<map[string]string>")]
    [InlineData("secrets", "stringData", "type", "<string>")]
    [InlineData("namespaces", "finalizers", "phase", "<[]string>")]
    [InlineData("nodes", "podCIDR", "kubeletVersion", "<boolean>")]
    [InlineData("persistentvolumeclaims", "accessModes", "volumeMode", "<string>")]
    [InlineData("deployments", "revisionHistoryLimit", "maxSurge", "<integer>")]
    [InlineData("statefulsets.spec", "volumeClaimTemplates", "serviceName", "<[]PersistentVolumeClaim>")]
    [InlineData("daemonsets.spec.updateStrategy", "rollingUpdate", "maxUnavailable", "<string>")]
    [InlineData("jobs.spec", "backoffLimit", "completions", "<integer>")]
    [InlineData("roles", "resourceNames", "verbs", "<[]string>")]
    [InlineData("storageclasses", "provisioner", "volumeBindingMode", "<map[string]string>")]
    [InlineData("leases.spec", "holderIdentity", "renewTime", "<string>")]
    [InlineData("networkpolicies.spec", "ingress", "podSelector", "<[]")]
    [InlineData("customresourcedefinitions.spec", "versions", "additionalPrinterColumns", "<string>")]
    [InlineData("apiservices.spec", "caBundle", "versionPriority", "<integer>")]
    [InlineData("mutatingwebhookconfigurations", "reinvocationPolicy", "clientConfig", "<string>")]
    public async Task Kubectl_explains_recursively(string what, string first, string second, string type)
    {
        var text = (await Kubectl($"{Explain} {what} --recursive")).Require();
        Assert.Contains(first, text);
        Assert.Contains(second, text);
        // OpenAPI v2 is explained without the names of types.
        if (Server.Minor >= 24)
            Assert.Contains(type, text);
    }

    [Fact]
    public async Task Kubectl_explains_one_field()
    {
        var text = (await Kubectl($"{Explain} pod.spec.restartPolicy")).Require();
        Assert.Contains("restartPolicy", text);
        Assert.Contains("string", text);
        Assert.Contains("does not exist", (await Kubectl($"{Explain} pod.spec.nothing")).Error);
    }
}
