using Troupe.Conformance.Harness;
using Xunit;

namespace Troupe.Conformance.Topics;

/// <summary>Refusals: the code, the reason, what the message says and which field it blames.</summary>
public sealed class Errors(ApiServer server) : Topic(server)
{
    public static TheoryData<string, string, string?, int, string, string, string> Cases => new()
    {
        { "GET", "configmaps/none", null, 404, "NotFound", "configmaps \"none\" not found", "" },
        { "GET", "apps/v1/deployments/none", null, 404, "NotFound", "deployments.apps \"none\" not found", "" },
        { "GET", "things", null, 404, "NotFound", "the server could not find the requested resource", "" },
        { "GET", "configmaps/a/b", null, 404, "NotFound", "the server could not find the requested resource", "" },
        { "DELETE", "configmaps/none", null, 404, "NotFound", "configmaps \"none\" not found", "" },
        { "PUT", "configmaps/none", """{"metadata":{"name":"none"}}""", 404, "NotFound", "configmaps \"none\" not found", "" },
        { "PATCH", "configmaps/none", "{}", 404, "NotFound", "configmaps \"none\" not found", "" },
        { "PUT", "configmaps", "{}", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource", "" },
        { "POST", "configmaps/a", "{}", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource", "" },
        { "POST", "configmaps", """{"metadata":""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", "[]", 400, "BadRequest", "", "" },
        { "POST", "configmaps", "\"text\"", 400, "BadRequest", "", "" },
        { "POST", "configmaps", "", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}""", 400, "BadRequest", "Pod in version \"v1\" cannot be handled as a ConfigMap", "" },
        { "POST", "configmaps", """{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"a"}}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":{"name":"a"},"data":{"k":1}}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":{"name":"a"},"data":[]}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":{"name":7}}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":[]}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":{"name":"a","labels":{"x":1}}}""", 400, "BadRequest", "", "" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{"replicas":"three"}}""", 400, "BadRequest", "", "" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{"replicas":1.5}}""", 400, "BadRequest", "", "" },
        { "POST", "configmaps", """{"metadata":{"name":"a","namespace":"other"}}""", 400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request", "" },
        { "POST", "configmaps", """{"metadata":{"name":"A_b"}}""", 422, "Invalid", "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\"", "metadata.name" },
        { "POST", "configmaps", """{"metadata":{}}""", 422, "Invalid", "name or generateName is required", "metadata.name" },
        { "POST", "configmaps", """{"metadata":{"name":"a","labels":{"x":"-"}}}""", 422, "Invalid", "metadata.labels: Invalid value: \"-\"", "metadata.labels" },
        { "POST", "configmaps", """{"metadata":{"name":"a"},"data":{"a b":"1"}}""", 422, "Invalid", "data[a b]: Invalid value: \"a b\"", "data[a b]" },
        { "POST", "configmaps", """{"metadata":{"name":"a"},"data":{"x":"1"},"binaryData":{"x":"YQ=="}}""", 422, "Invalid", "duplicate of key present in", "data[x]" },
        { "POST", "configmaps", """{"metadata":{"name":"a"},"binaryData":{"x":"no base64!"}}""", 400, "BadRequest", "", "" },
        { "POST", "secrets", """{"metadata":{"name":"a"},"data":{"x":"no base64!"}}""", 400, "BadRequest", "", "" },
        { "POST", "secrets", """{"metadata":{"name":"a"},"type":"kubernetes.io/tls","data":{"tls.crt":"YQ=="}}""", 422, "Invalid", "", "data[tls.key]" },
        { "POST", "services", """{"metadata":{"name":"a"},"spec":{}}""", 422, "Invalid", "spec.ports: Required value", "spec.ports" },
        { "POST", "services", """{"metadata":{"name":"a"},"spec":{"ports":[{"port":0}]}}""", 422, "Invalid", "must be between 1 and 65535, inclusive", "spec.ports[0].port" },
        { "POST", "services", """{"metadata":{"name":"a"},"spec":{"ports":[{"port":1},{"port":2}]}}""", 422, "Invalid", "Required value", "spec.ports[0].name" },
        { "POST", "services", """{"metadata":{"name":"a"},"spec":{"ports":[{"port":1,"protocol":"ICMP"}]}}""", 422, "Invalid", "Unsupported value: \"ICMP\"", "spec.ports[0].protocol" },
        { "POST", "services", """{"metadata":{"name":"a"},"spec":{"type":"Nothing","ports":[{"port":1}]}}""", 422, "Invalid", "Unsupported value: \"Nothing\"", "spec.type" },
        { "POST", "services", """{"metadata":{"name":"1a"},"spec":{"ports":[{"port":1}]}}""", 422, "Invalid", "a DNS-1035 label must consist of", "metadata.name" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{}}""", 422, "Invalid", "spec.selector: Required value", "spec.selector" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"c"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", 422, "Invalid", "`selector` does not match template `labels`", "spec.template.metadata.labels" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{"replicas":-1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", 422, "Invalid", "must be greater than or equal to 0", "spec.replicas" },
        { "POST", "apps/v1/deployments", """{"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", 422, "Invalid", "Unsupported value: \"Never\"", "spec.template.spec.restartPolicy" },
        { "POST", "batch/v1/jobs", """{"metadata":{"name":"a"},"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}""", 422, "Invalid", "", "spec.template.spec.restartPolicy" },
        { "POST", "persistentvolumeclaims", """{"metadata":{"name":"a"},"spec":{"resources":{"requests":{"storage":"1Gi"}}}}""", 422, "Invalid", "at least 1 access mode is required", "spec.accessModes" },
        { "POST", "persistentvolumeclaims", """{"metadata":{"name":"a"},"spec":{"accessModes":["ReadWriteOnce"]}}""", 422, "Invalid", "Required value", "spec.resources[storage]" },
        { "POST", "rbac.authorization.k8s.io/v1/rolebindings", """{"metadata":{"name":"a"},"subjects":[]}""", 422, "Invalid", "", "roleRef.name" },
        { "POST", "rbac.authorization.k8s.io/v1/roles", """{"metadata":{"name":"a"},"rules":[{"apiGroups":[""],"resources":["pods"]}]}""", 422, "Invalid", "verbs must contain at least one value", "rules[0].verbs" },
        { "POST", "coordination.k8s.io/v1/leases", """{"metadata":{"name":"a"},"spec":{"leaseDurationSeconds":-1}}""", 422, "Invalid", "must be greater than 0", "spec.leaseDurationSeconds" },
        { "POST", "networking.k8s.io/v1/networkpolicies", """{"metadata":{"name":"a"},"spec":{"podSelector":{"matchLabels":{"a":"!"}}}}""", 422, "Invalid", "", "spec.podSelector.matchLabels" },
        { "GET", "configmaps?labelSelector=a in (", null, 400, "BadRequest", "unable to parse requirement", "" },
        { "GET", "configmaps?fieldSelector=data.k=1", null, 400, "BadRequest", "\"data.k\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", "" },
        { "GET", "configmaps?fieldSelector=nonsense", null, 400, "BadRequest", "invalid selector: 'nonsense'; can't understand 'nonsense'", "" },
        { "GET", "configmaps?limit=x", null, 400, "BadRequest", "", "" },
        { "GET", "configmaps?continue=nonsense", null, 400, "BadRequest", "continue key is not valid", "" },
        { "DELETE", "configmaps/none?propagationPolicy=Foo", null, 422, "Invalid", "", "propagationPolicy" },
        { "POST", "configmaps?dryRun=Some", """{"metadata":{"name":"a"}}""", 422, "Invalid", "Unsupported value: []string{\"Some\"}", "dryRun" },
        { "POST", "configmaps?fieldManager=%01", """{"metadata":{"name":"a"}}""", 422, "Invalid", "", "fieldManager" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_bad_request_is_refused(string method, string resource, string? body, int code, string reason, string message, string field)
    {
        var type = method == "PATCH" ? Merge : "application/json";
        var answer = await Server.SendAsync(method, In(resource), body, type);
        Assert.Equal((code, reason), (answer.Code, answer["reason"]));
        Assert.Equal(("Status", "v1", "Failure", $"{code}"), (answer["kind"], answer["apiVersion"], answer["status"], answer["code"]));
        Assert.Contains(message, answer["message"]);
        if (field.Length > 0)
            Assert.Contains(field, answer.CauseFields);
    }

    /// <summary>The code of these two differs between versions (400 or 500); that they are refused does not.</summary>
    [Theory]
    [InlineData("POST", "configmaps", """{"metadata":{"name":"a","resourceVersion":"1"}}""", "resourceVersion should not be set on objects to be created")]
    [InlineData("GET", "configmaps?watch=1&resourceVersion=x", null, "")]
    public async Task A_version_that_cannot_be_is_refused(string method, string resource, string? body, string message)
    {
        var answer = await Server.SendAsync(method, In(resource), body);
        Assert.True(answer.Code is 400 or 500, answer.Text);
        Assert.Contains(message, answer["message"]);
        Assert.Equal(404, (await Get(In("configmaps/a"))).Code);
    }

    [Fact]
    public async Task A_name_that_is_taken_is_a_conflict()
    {
        await ConfigMap("a");
        var answer = await Post(In("configmaps"), """{"metadata":{"name":"a"}}""");
        Assert.Equal((409, "AlreadyExists", "configmaps \"a\" already exists"), (answer.Code, answer["reason"], answer["message"]));
        Assert.Equal(("a", "configmaps"), (answer["details.name"], answer["details.kind"]));
    }

    [Fact]
    public async Task A_stale_update_is_a_conflict()
    {
        var first = await ConfigMap("a");
        (await Patch(In("configmaps/a"), """{"data":{"k":"2"}}""")).Expect(200);
        var answer = await Put(In("configmaps/a"), first.Text);
        Assert.Equal((409, "Conflict"), (answer.Code, answer["reason"]));
        Assert.Equal("Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again", answer["message"]);
    }

    [Fact]
    public async Task An_update_without_a_version_is_unconditional_and_one_with_another_uid_is_refused()
    {
        await ConfigMap("a");
        (await Put(In("configmaps/a"), """{"metadata":{"name":"a"},"data":{"k":"2"}}""")).Expect(200);
        var answer = await Put(In("configmaps/a"), """{"metadata":{"name":"a","uid":"00000000-0000-0000-0000-000000000000"}}""");
        Assert.Equal((409, "Conflict"), (answer.Code, answer["reason"]));
        Assert.Contains("Precondition failed: UID in precondition", answer["message"]);
    }

    [Fact]
    public async Task The_name_of_the_body_must_be_that_of_the_URL()
    {
        await ConfigMap("a");
        var answer = await Put(In("configmaps/a"), """{"metadata":{"name":"b"}}""");
        Assert.Equal((400, "BadRequest"), (answer.Code, answer["reason"]));
        Assert.Contains("the name of the object (b) does not match the name on the URL (a)", answer["message"]);
    }

    [Fact]
    public async Task Several_faults_are_told_at_once()
    {
        var answer = await Post(In("configmaps"), """{"metadata":{"name":"A","labels":{"x":"-"}},"data":{"a b":"1"}}""");
        Assert.Equal(422, answer.Code);
        Assert.StartsWith("ConfigMap \"A\" is invalid: [", answer["message"]);
        Assert.Equal(["data[a b]", "metadata.labels", "metadata.name"], answer.CauseFields.Order(StringComparer.Ordinal));
        Assert.Equal(("A", "ConfigMap"), (answer["details.name"], answer["details.kind"]));
        Assert.All(answer.Json.Items("details.causes"), c => Assert.Equal("FieldValueInvalid", c.Text("reason")));
    }

    [Fact]
    public async Task A_namespace_that_is_not_there_takes_nothing()
    {
        var answer = await Post("/api/v1/namespaces/conf-none/configmaps", """{"metadata":{"name":"a"}}""");
        Assert.Equal((404, "namespaces \"conf-none\" not found"), (answer.Code, answer["message"]));
    }

    [Fact]
    public async Task A_namespaced_object_needs_its_namespace_and_a_cluster_wide_one_has_none()
    {
        Assert.Equal(405, (await Post("/api/v1/configmaps", """{"metadata":{"name":"a"}}""")).Code);
        Assert.Equal(404, (await Get("/api/v1/configmaps/a")).Code);
        Assert.Equal(404, (await Get(In("nodes"))).Code);
    }

    [Fact]
    public async Task Who_has_no_credentials_gets_no_objects()
    {
        using var anonymous = Server.Client(anonymous: true);
        var code = (int)(await anonymous.GetAsync(In("configmaps"))).StatusCode;
        Assert.True(code is 401 or 403, $"{code}");
        anonymous.DefaultRequestHeaders.Authorization = new("Bearer", "wrong");
        Assert.Equal(401, (int)(await anonymous.GetAsync(In("configmaps"))).StatusCode);
    }
}
