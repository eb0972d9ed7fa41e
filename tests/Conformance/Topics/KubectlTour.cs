using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>kubectl's verbs, as a person would use them.</summary>
public sealed class KubectlTour(ApiServer server) : Topic(server)
{
    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          labels: {app: web}
        spec:
          replicas: 2
          paused: true
          selector:
            matchLabels: {app: web}
          template:
            metadata:
              labels: {app: web}
            spec:
              containers:
              - name: main
                image: example.com/web:1
                ports:
                - containerPort: 80
        """;

    private async Task<string> Ok(string line, string? input = null) => (await Kubectl(line, input)).Require();

    [Fact]
    public async Task Objects_are_created_by_generators_and_from_files()
    {
        Assert.Contains("configmap/a created", await Ok("create configmap a --from-literal=k=v"));
        Assert.Contains("secret/s created", await Ok("create secret generic s --from-literal=k=v"));
        Assert.Contains("serviceaccount/robot created", await Ok("create serviceaccount robot"));
        Assert.Contains("deployment.apps/d created", await Ok("create deployment d --image=example.com/x:1 --replicas=0"));
        Assert.Contains("service/svc created", await Ok("create service clusterip svc --tcp=80:8080"));
        Assert.Contains("role.rbac.authorization.k8s.io/r created", await Ok("create role r --verb=get --resource=pods"));
        Assert.Contains("rolebinding.rbac.authorization.k8s.io/rb created", await Ok("create rolebinding rb --role=r --serviceaccount=default:robot"));
        Assert.Contains("deployment.apps/web created", await Ok("create -f -", Deployment));
        Assert.Contains("(AlreadyExists)", (await Kubectl("create -f -", Deployment)).Error);
        Assert.Contains("job.batch/j created", await Ok("create job j --image=example.com/x:1"));
        Assert.Contains("resourcequota/q created", await Ok("create quota q --hard=pods=9"));
    }

    [Fact]
    public async Task Apply_creates_configures_and_prunes_fields()
    {
        const string Manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {one: '1', two: '2'}\n";
        Assert.Contains("configmap/a created", await Ok("apply -f -", Manifest));
        Assert.Contains("configmap/a unchanged", await Ok("apply -f -", Manifest));
        Assert.Contains("configmap/a configured", await Ok("apply -f -", Manifest.Replace(", two: '2'", "", StringComparison.Ordinal)));
        Assert.Equal("""{"one":"1"}""", await Ok("get cm a -o jsonpath={.data}"));
        Assert.Contains("serverside-applied", await Ok("apply --server-side -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {x: z}\n"));
        Assert.Contains("deployment.apps/web created", await Ok("apply -f -", Deployment));
        Assert.Contains("deployment.apps/web configured", await Ok("apply -f -", Deployment.Replace("web:1", "web:2", StringComparison.Ordinal)));
        Assert.Equal("example.com/web:2", await Ok("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}"));
    }

    [Fact]
    public async Task Diff_shows_what_apply_would_change()
    {
        await Ok("apply -f -", Deployment);
        Assert.Equal(0, (await Kubectl("diff -f -", Deployment)).ExitCode);
        var diff = await Kubectl("diff -f -", Deployment.Replace("replicas: 2", "replicas: 5", StringComparison.Ordinal));
        Assert.Equal(1, diff.ExitCode);
        Assert.Contains("+  replicas: 5", diff.Output);
    }

    [Fact]
    public async Task Get_prints_in_every_form()
    {
        await Ok("create configmap a --from-literal=k=v");
        await Ok("apply -f -", Deployment);
        Assert.Matches("NAME +DATA +AGE", await Ok("get configmaps"));
        Assert.Matches("web +0/2 .*main +example.com/web:1 +app=web", await Ok("get deploy -o wide"));
        Assert.Equal("configmap/a", (await Ok("get cm a -o name")).Trim());
        Assert.Contains("k: v", await Ok("get cm a -o yaml"));
        Assert.Contains("\"k\": \"v\"", await Ok("get cm a -o json"));
        Assert.Equal("v", await Ok("get cm a -o jsonpath={.data.k}"));
        Assert.Equal("v", await Ok("get cm a -o go-template={{.data.k}}"));
        Assert.Matches("WHO +WHAT\na +v", await Ok("get cm a -o custom-columns=WHO:.metadata.name,WHAT:.data.k"));
        Assert.Contains("a", await Ok("get cm --field-selector metadata.name=a --no-headers"));
        Assert.Contains("app=web", await Ok("get deploy --show-labels"));
        Assert.Matches("web.*web", await Ok("get deploy -L app"));
        Assert.Contains(Namespace, await Ok("get cm --all-namespaces"));
        Assert.Contains("(NotFound)", (await Kubectl("get cm none")).Error);
        Assert.Equal("", await Ok("get cm none --ignore-not-found"));
        Assert.Contains("\"a\"", await Ok($"get --raw /api/v1/namespaces/{Namespace}/configmaps/a"));
        Assert.Contains("deployment.apps/web", await Ok("get all"));
        Assert.Contains("a", await Ok("get cm --sort-by=.metadata.name --chunk-size=1 -o name"));
    }

    [Fact]
    public async Task Describe_tells_about_an_object()
    {
        await Ok("apply -f -", Deployment);
        var text = await Ok("describe deployment web");
        Assert.Contains("example.com/web:1", text);
        Assert.Contains("2 desired", text);
        await Ok("create configmap a --from-literal=k=v");
        Assert.Contains("k:", await Ok("describe cm a"));
        Assert.Contains("Active", await Ok("describe namespace " + Namespace));
    }

    [Fact]
    public async Task Objects_are_labelled_annotated_patched_scaled_and_edited()
    {
        await Ok("apply -f -", Deployment);
        Assert.Contains("labeled", await Ok("label deploy web tier=front"));
        Assert.Contains("--overwrite is false", (await Kubectl("label deploy web tier=back")).Error);
        await Ok("label deploy web tier=back --overwrite");
        await Ok("label deploy web tier-");
        Assert.Contains("annotated", await Ok("annotate deploy web note=x"));
        Assert.Contains("scaled", await Ok("scale deploy web --replicas=3"));
        Assert.Contains("error: Expected replicas to be 9, was 3", (await Kubectl("scale deploy web --current-replicas=9 --replicas=1")).Error);
        await Ok("""patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"example.com/web:3"}]}}}}'""");
        await Ok("""patch deploy web --type=merge -p '{"spec":{"minReadySeconds":4}}'""");
        await Ok("""patch deploy web --type=json -p '[{"op":"replace","path":"/spec/revisionHistoryLimit","value":5}]'""");
        await Ok("set image deploy/web main=example.com/web:4");
        await Ok("set env deploy/web A=b");
        Assert.Equal("3 4 5 example.com/web:4 A", await Ok("get deploy web -o 'jsonpath={.spec.replicas} {.spec.minReadySeconds} {.spec.revisionHistoryLimit} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].name}'"));
        Assert.Equal("x", await Ok("get deploy web -o jsonpath={.metadata.annotations.note}"));
    }

    [Fact]
    public async Task An_object_is_edited_in_an_editor()
    {
        await Ok("create configmap a --from-literal=k=before");
        Assert.Contains("configmap/a edited", (await Server.Kubectl.RunAsync($"-n {Namespace} edit cm a", editor: "sed -i s/before/after/")).Require());
        Assert.Equal("after", await Ok("get cm a -o jsonpath={.data.k}"));
        Assert.Contains("no changes made", (await Server.Kubectl.RunAsync($"-n {Namespace} edit cm a", editor: "true")).Error + (await Server.Kubectl.RunAsync($"-n {Namespace} edit cm a", editor: "true")).Output);
    }

    [Fact]
    public async Task A_deployment_is_exposed_and_its_rollout_paused_and_restarted()
    {
        await Ok("apply -f -", Deployment);
        Assert.Contains("service/web exposed", await Ok("expose deploy web --port=80 --target-port=8080"));
        Assert.Equal("""{"app":"web"} 8080""", await Ok("get svc web -o 'jsonpath={.spec.selector} {.spec.ports[0].targetPort}'"));
        Assert.Contains("resumed", await Ok("rollout resume deploy/web"));
        Assert.Contains("paused", await Ok("rollout pause deploy/web"));
    }

    [Fact]
    public async Task Replace_wait_and_delete_work()
    {
        await Ok("create configmap a --from-literal=k=v");
        Assert.Contains("replaced", await Ok("replace -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n"));
        Assert.Contains("condition met", await Ok("wait cm/a --for=jsonpath={.data.k}=w --timeout=30s"));
        var waiting = Kubectl("wait cm/a --for=delete --timeout=30s");
        Assert.Contains("configmap \"a\" deleted", await Ok("delete cm a"));
        Assert.Equal(0, (await waiting).ExitCode);
        await Ok("create configmap b --from-literal=k=v");
        await Ok("label cm b mine=1");
        Assert.Contains("deleted (server dry run)", await Ok("delete cm b --dry-run=server"));
        await Ok("delete cm -l mine=1");
        Assert.Contains("NotFound", (await Kubectl("get cm b")).Error);
        Assert.Contains("created (server dry run)", await Ok("create configmap dry --dry-run=server"));
        Assert.Contains("NotFound", (await Kubectl("get cm dry")).Error);
    }

    [Fact]
    public async Task Permissions_can_be_asked_for()
    {
        Assert.Equal("yes", (await Ok("auth can-i create pods")).Trim());
        Assert.Contains("*", await Ok("auth can-i --list"));
        Needs(28, "SelfSubjectReview");
        Assert.Contains("system:masters", await Ok("auth whoami"));
    }

    [Fact]
    public async Task Events_and_cluster_are_shown()
    {
        Assert.Contains("is running at", await Ok("cluster-info"));
        Assert.Contains("Server Version", await Ok("version"));
        (await Post(In("events"), $$$$"""{"metadata":{"name":"e.1"},"involvedObject":{"kind":"Pod","name":"p","namespace":"{{{{Namespace}}}}"},"reason":"Why","message":"told","type":"Normal","lastTimestamp":"2026-01-01T00:00:00Z"}""")).Expect(201);
        Assert.Contains("told", await Ok("get events"));
        Assert.Contains("told", await Ok("events"));
    }
}
