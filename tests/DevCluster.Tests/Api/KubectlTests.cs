using Xunit;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>kubectl, as people use it.</summary>
public sealed class KubectlTests : IAsyncLifetime
{
    private const string Workloads = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: dep, labels: {app: d}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: d}}
          template:
            metadata: {labels: {app: d}}
            spec:
              containers:
              - {name: c, image: nginx, env: [{name: A, value: b}], ports: [{containerPort: 80}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: p1}
        spec:
          containers:
          - {name: c, image: "nginx:1", resources: {requests: {cpu: 100m}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: s1}
        spec: {selector: {app: d}, ports: [{port: 80}]}
        """;

    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Apply_is_idempotent_configures_changes_and_shows_a_diff()
    {
        Assert.Contains("deployment.apps/dep created", await Kubectl("apply -f -", Workloads));
        var again = await Kubectl("apply -f -", Workloads);
        Assert.Contains("deployment.apps/dep unchanged", again);
        Assert.Contains("pod/p1 unchanged", again);
        var changed = Workloads.Replace("value: b", "value: c", StringComparison.Ordinal);
        Assert.Contains("value: c", await Kubectl("diff -f -", changed));
        Assert.Contains("deployment.apps/dep configured", await Kubectl("apply -f -", changed));
        Assert.Equal("c 80", await Kubectl("get deploy dep -o 'jsonpath={.spec.template.spec.containers[0].env[0].value} {.spec.template.spec.containers[0].ports[0].containerPort}'"));
        Assert.Matches("(?m)^p1 +0/1 +Pending ", await Kubectl("get pods -o wide"));
        Assert.Contains("app=d", await Kubectl("get svc s1 -o wide"));
    }

    [Fact]
    public async Task Imperative_commands_create_what_they_promise()
    {
        Assert.Contains("created", await Kubectl("create namespace team"));
        Assert.Contains("created", await Kubectl("create configmap cm --from-literal=a=b"));
        Assert.Equal("b", await Kubectl("get cm cm -o 'jsonpath={.data.a}'"));
        Assert.Contains("created", await Kubectl("create secret generic s --from-literal=a=b"));
        Assert.Equal("Yg==", await Kubectl("get secret s -o 'jsonpath={.data.a}'"));
        Assert.Contains("created", await Kubectl("create deployment web --image=nginx --replicas=3 --port=80"));
        Assert.Equal("3 nginx 80", await Kubectl("get deploy web -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].ports[0].containerPort}'"));
        Assert.Contains("created", await Kubectl("create service clusterip svc --tcp=80:8080"));
        Assert.Equal("8080", await Kubectl("get svc svc -o 'jsonpath={.spec.ports[0].targetPort}'"));
        Assert.Contains("created", await Kubectl("create job j --image=busybox -- true"));
        Assert.Contains("created", await Kubectl("create role r --verb=get --resource=pods"));
        Assert.Contains("created", await Kubectl("create rolebinding rb --role=r --user=jane"));
        Assert.Contains("created", await Kubectl("create pdb b --selector=a=b --min-available=1"));
        Assert.Contains("created", await Kubectl("run p --image=busybox --restart=Never --env=A=B -- sleep 1"));
        Assert.Equal("sleep 1 B", await Kubectl("get pod p -o 'jsonpath={.spec.containers[0].args[0]} {.spec.containers[0].args[1]} {.spec.containers[0].env[0].value}'"));
        Assert.Matches("^eyJ", await Kubectl("create token default"));
        Assert.Contains("yes", await Kubectl("auth can-i create pods"));
        Assert.Contains("kubernetes-admin", await Kubectl("auth whoami"));
    }

    [Fact]
    public async Task Labels_annotations_patches_scale_and_set_image_change_the_object()
    {
        await Kubectl("apply -f -", Workloads);
        await Kubectl("label pod p1 tier=x");
        await Kubectl("annotate pod p1 note=y");
        Assert.Equal("x y", await Kubectl("get pod p1 -o 'jsonpath={.metadata.labels.tier} {.metadata.annotations.note}'"));
        Assert.Contains("scaled", await Kubectl("scale deploy dep --replicas=5"));
        Assert.Contains("patched", await Kubectl("patch deploy dep -p '{\"spec\":{\"paused\":true}}'"));
        Assert.Contains("patched", await Kubectl("patch deploy dep --type=json -p '[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":5},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":4}]'"));
        Assert.Contains("image updated", await Kubectl("set image deploy/dep c=nginx:2"));
        Assert.Equal("4 true nginx:2", await Kubectl("get deploy dep -o 'jsonpath={.spec.replicas} {.spec.paused} {.spec.template.spec.containers[0].image}'"));
        Assert.Contains("replaced", await Kubectl("replace -f -", await Kubectl("get cm kube-root-ca.crt -o json")));
    }

    [Fact]
    public async Task Wait_watch_and_delete_see_the_end_of_an_object()
    {
        await Kubectl("apply -f -", Workloads);
        Assert.Contains("condition met", await Kubectl("wait --for=jsonpath={.status.phase}=Pending pod/p1 --timeout=20s"));
        Assert.Contains("ADDED", await Kubectl("get pods -w --output-watch-events --request-timeout=2s"));
        Assert.Contains("deleted", await Kubectl("delete pod p1 --timeout=20s"));
        var waiting = Kubectl("wait --for=delete deploy/dep --timeout=20s");
        Assert.Contains("deleted", await Kubectl("delete deploy,svc -l app=d --timeout=20s"));
        Assert.DoesNotContain("error", await waiting);
    }

    [Fact]
    public async Task Discovery_and_explain_cover_built_ins_and_custom_resources()
    {
        await _cluster.SendAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CrdTests.Widget());
        var resources = await Kubectl("api-resources");
        Assert.Contains("deploy       apps/v1", resources);
        Assert.Contains("wd           example.com/v1", resources);
        Assert.Contains("containers\t<[]Container>", await Kubectl("explain pod.spec"));
        Assert.Contains("mountPath\t<string>", await Kubectl("explain deployment.spec.template.spec.containers.volumeMounts"));
        Assert.Contains("color\t<string>", await Kubectl("explain widget.spec --recursive"));
        Assert.Contains("apps/v1", await Kubectl("api-versions"));
        Assert.Contains("strict decoding error", await Kubectl("apply -f -", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dta":{}}"""));
    }

    [Fact]
    public async Task Server_side_apply_conflicts_name_the_other_manager()
    {
        await Kubectl("apply --server-side --field-manager=one -f -", Workloads);
        var refused = await Kubectl("apply --server-side --field-manager=two -f -", Workloads.Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal));
        Assert.Contains("conflict with \"one\": .spec.replicas", refused);
        Assert.Contains("serverside-applied", await Kubectl("apply --server-side --force-conflicts --field-manager=two -f -", Workloads.Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal)));
    }

    private Task<string> Kubectl(string arguments, string? input = null) => _cluster.KubectlAsync(arguments, input);
}
