using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

public sealed class Discovery(ApiServer server) : Topic(server)
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    [Fact]
    public async Task The_core_group_has_version_v1()
    {
        var answer = await Get("/api");
        Assert.Equal(("APIVersions", "v1"), (answer["kind"], answer["versions[0]"]));
    }

    [Theory]
    [InlineData("apps", "v1")]
    [InlineData("batch", "v1")]
    [InlineData("autoscaling", null)]
    [InlineData("policy", null)]
    [InlineData("networking.k8s.io", "v1")]
    [InlineData("rbac.authorization.k8s.io", "v1")]
    [InlineData("storage.k8s.io", "v1")]
    [InlineData("apiextensions.k8s.io", "v1")]
    [InlineData("apiregistration.k8s.io", "v1")]
    [InlineData("admissionregistration.k8s.io", "v1")]
    [InlineData("authentication.k8s.io", "v1")]
    [InlineData("authorization.k8s.io", "v1")]
    [InlineData("certificates.k8s.io", "v1")]
    [InlineData("coordination.k8s.io", "v1")]
    [InlineData("scheduling.k8s.io", "v1")]
    [InlineData("events.k8s.io", "v1")]
    public async Task A_group_is_listed_and_has_a_document_of_its_own(string group, string? version)
    {
        var all = await Get("/apis");
        Assert.Equal(("APIGroupList", "v1"), (all["kind"], all["apiVersion"]));
        var listed = all.Json.Items("groups").Single(g => g.Text("name") == group);
        var alone = (await Get("/apis/" + group)).Expect(200);
        Assert.Equal(("APIGroup", group), (alone["kind"], alone["name"]));
        Assert.Equal(listed.Text("preferredVersion.groupVersion"), alone["preferredVersion.groupVersion"]);
        if (version is not null)
            Assert.Contains($"{group}/{version}", listed.Items("versions").Select(v => v.Text("groupVersion")));
    }

    [Theory]
    [InlineData("/api/v1", "pods", "Pod", true, "po", "create,delete,deletecollection,get,list,patch,update,watch")]
    [InlineData("/api/v1", "nodes", "Node", false, "no", "create,delete,deletecollection,get,list,patch,update,watch")]
    [InlineData("/api/v1", "services", "Service", true, "svc", null)]
    [InlineData("/api/v1", "endpoints", "Endpoints", true, "ep", null)]
    [InlineData("/api/v1", "configmaps", "ConfigMap", true, "cm", null)]
    [InlineData("/api/v1", "secrets", "Secret", true, "", null)]
    [InlineData("/api/v1", "events", "Event", true, "ev", null)]
    [InlineData("/api/v1", "namespaces", "Namespace", false, "ns", "create,delete,get,list,patch,update,watch")]
    [InlineData("/api/v1", "serviceaccounts", "ServiceAccount", true, "sa", null)]
    [InlineData("/api/v1", "persistentvolumes", "PersistentVolume", false, "pv", null)]
    [InlineData("/api/v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, "pvc", null)]
    [InlineData("/api/v1", "resourcequotas", "ResourceQuota", true, "quota", null)]
    [InlineData("/api/v1", "limitranges", "LimitRange", true, "limits", null)]
    [InlineData("/apis/apps/v1", "deployments", "Deployment", true, "deploy", null)]
    [InlineData("/apis/apps/v1", "replicasets", "ReplicaSet", true, "rs", null)]
    [InlineData("/apis/apps/v1", "statefulsets", "StatefulSet", true, "sts", null)]
    [InlineData("/apis/apps/v1", "daemonsets", "DaemonSet", true, "ds", null)]
    [InlineData("/apis/apps/v1", "controllerrevisions", "ControllerRevision", true, "", null)]
    [InlineData("/apis/batch/v1", "jobs", "Job", true, "", null)]
    [InlineData("/apis/coordination.k8s.io/v1", "leases", "Lease", true, "", null)]
    [InlineData("/apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", true, "netpol", null)]
    [InlineData("/apis/networking.k8s.io/v1", "ingresses", "Ingress", true, "ing", null)]
    [InlineData("/apis/rbac.authorization.k8s.io/v1", "roles", "Role", true, "", null)]
    [InlineData("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", false, "", null)]
    [InlineData("/apis/storage.k8s.io/v1", "storageclasses", "StorageClass", false, "sc", null)]
    [InlineData("/apis/scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", false, "pc", null)]
    [InlineData("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", false, "crd,crds", null)]
    [InlineData("/apis/apiregistration.k8s.io/v1", "apiservices", "APIService", false, "", null)]
    [InlineData("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, "", "create")]
    [InlineData("/apis/authentication.k8s.io/v1", "tokenreviews", "TokenReview", false, "", "create")]
    [InlineData("/api/v1", "pods/status", "Pod", true, "", "get,patch,update")]
    [InlineData("/api/v1", "pods/log", "Pod", true, "", "get")]
    [InlineData("/api/v1", "pods/binding", "Binding", true, "", "create")]
    [InlineData("/api/v1", "pods/eviction", "Eviction", true, "", "create")]
    [InlineData("/api/v1", "namespaces/finalize", "Namespace", false, "", "update")]
    [InlineData("/api/v1", "namespaces/status", "Namespace", false, "", "get,patch,update")]
    [InlineData("/api/v1", "serviceaccounts/token", "TokenRequest", true, "", "create")]
    [InlineData("/apis/apps/v1", "deployments/scale", "Scale", true, "", "get,patch,update")]
    [InlineData("/apis/apps/v1", "deployments/status", "Deployment", true, "", "get,patch,update")]
    [InlineData("/apis/apps/v1", "replicasets/scale", "Scale", true, "", "get,patch,update")]
    public async Task A_resource_says_how_it_is_used(string path, string name, string kind, bool namespaced, string shortNames, string? verbs)
    {
        var list = (await Get(path)).Expect(200);
        Assert.Equal("APIResourceList", list["kind"]);
        Assert.Equal(path.Replace("/apis/", "", StringComparison.Ordinal).Replace("/api/", "", StringComparison.Ordinal), list["groupVersion"]);
        var resource = list.Json.Items("resources").Single(r => r.Text("name") == name);
        Assert.Equal((kind, namespaced ? "true" : "false"), (resource.Text("kind"), resource.Text("namespaced")));
        Assert.Equal(shortNames, string.Join(',', resource.Texts("shortNames")));
        if (verbs is not null)
            Assert.Equal(verbs, string.Join(',', resource.Texts("verbs").Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_subresource_of_another_group_names_it()
    {
        var resources = (await Get("/apis/apps/v1")).Json.Items("resources").ToDictionary(r => r.Text("name")!);
        Assert.Equal(("autoscaling", "v1"), (resources["deployments/scale"].Text("group"), resources["deployments/scale"].Text("version")));
        Assert.Equal(["all"], resources["deployments"].Texts("categories"));
    }

    [Theory]
    [InlineData("/apis/none.example.com")]
    [InlineData("/apis/none.example.com/v1")]
    [InlineData("/apis/apps/v9")]
    [InlineData("/api/v2")]
    [InlineData("/nothing")]
    public async Task What_is_not_served_is_not_found(string path) => Assert.Equal(404, (await Get(path)).Code);

    [Fact]
    public async Task The_version_is_told_and_the_root_lists_paths()
    {
        var version = await Get("/version");
        Assert.Equal("1", version["major"]);
        Assert.StartsWith("v1.", version["gitVersion"]);
        var paths = (await Get("/")).Json.Texts("paths").ToList();
        Assert.Contains("/apis/apps/v1", paths);
        Assert.Contains("/version", paths);
    }

    [Theory]
    [InlineData("/healthz", "ok")]
    [InlineData("/livez", "ok")]
    [InlineData("/readyz", "ok")]
    [InlineData("/readyz/ping", "ok")]
    [InlineData("/livez?verbose", "livez check passed")]
    [InlineData("/readyz?verbose", "readyz check passed")]
    public async Task Health_is_told(string path, string expected) => Assert.Contains(expected, (await Get(path)).Expect(200).Text);

    [Fact]
    public async Task The_aggregated_document_lists_what_the_plain_ones_list()
    {
        Needs(30, "aggregated discovery v2");
        var aggregated = (await Get("/apis", Aggregated)).Expect(200);
        Assert.Equal("APIGroupDiscoveryList", aggregated["kind"]);
        Assert.Equal("apidiscovery.k8s.io/v2", aggregated["apiVersion"]);
        var apps = aggregated.Json.Items("items").Single(g => g.Text("metadata.name") == "apps").Items("versions").Single();
        Assert.Equal(("v1", "Current"), (apps.Text("version"), apps.Text("freshness")));
        var plain = (await Get("/apis/apps/v1")).Json.Items("resources").Select(r => r.Text("name"));
        var all = apps.Items("resources").SelectMany(r => r.Items("subresources").Select(s => $"{r.Text("resource")}/{s.Text("subresource")}").Prepend(r.Text("resource")));
        Assert.Equal(plain.Order(), all.Order());
        var deployment = apps.Items("resources").Single(r => r.Text("resource") == "deployments");
        Assert.Equal(("Namespaced", "Deployment", "deployment"), (deployment.Text("scope"), deployment.Text("responseKind.kind"), deployment.Text("singularResource")));
        Assert.Single((await Get("/api", Aggregated)).Json.Items("items"));
    }

    [Fact]
    public async Task Kubectl_finds_resources_and_versions()
    {
        // Without aggregated discovery a group of another test may go between the list of groups and the question what is in it.
        KubectlResult? run = null;
        await Eventually.HoldsAsync(async () => (run = await Kubectl("api-resources --verbs=list --namespaced -o name")).ExitCode == 0, "kubectl lists the resources");
        var resources = run!.Output.Split('\n');
        Assert.Contains("deployments.apps", resources);
        Assert.Contains("configmaps", resources);
        Assert.DoesNotContain("nodes", resources);
        Assert.Contains("apps/v1", (await Kubectl("api-versions")).Require());
    }
}
