using System.Text;
using System.Text.Json.Nodes;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>Bad input of all sorts: always an answer, never a 500. The seed is in the message of a failure.</summary>
public sealed class FuzzTests
{
    private static readonly string[] Objects =
    [
        """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"f","labels":{"a":"b"},"annotations":{"c":"d"},"finalizers":["x.io/y"]},"data":{"k":"v"}}""",
        """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"f","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"f","uid":"u"}]},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i","env":[{"name":"A","value":"b"}],"ports":[{"containerPort":1}],"resources":{"limits":{"cpu":"1"},"requests":{"cpu":1}},"volumeMounts":[{"name":"v","mountPath":"/m"}]}],"volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"k","operator":"Exists"}]}}""",
        """{"apiVersion":"v1","kind":"Service","metadata":{"name":"f"},"spec":{"type":"ClusterIP","selector":{"a":"b"},"ports":[{"port":80,"targetPort":"x"}]}}""",
        """{"apiVersion":"v1","kind":"Secret","metadata":{"generateName":"f-"},"stringData":{"a":"b"},"data":{"c":"ZA=="}}""",
        """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"f"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}}""",
        """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"f"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""",
        """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"f"},"spec":{"size":1,"color":"x"},"status":{"ready":1}}""",
        """{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.f.example.com"},"spec":{"group":"f.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"caBundle":"YQ==","service":{"name":"s","namespace":"default","port":443}}}""",
        """{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"f"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""",
        CrdTests.Widget().ToJsonString().Replace("widgets", "gizmos", StringComparison.Ordinal).Replace("Widget", "Gizmo", StringComparison.Ordinal).Replace("\"wd\"", "\"gz\"", StringComparison.Ordinal),
    ];

    private static readonly string[] Paths =
    [
        "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services", "/api/v1/namespaces/default/secrets",
        "/api/v1/namespaces", "/apis/apps/v1/namespaces/default/deployments", "/apis/example.com/v1/namespaces/default/widgets", "/apis/apiregistration.k8s.io/v1/apiservices",
        "/apis/batch/v1/namespaces/default/jobs", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "9223372036854775807", "1e300", "1.5", "\"\"", "\"x\"", "\"2\"", "\"\\u0000\"", "\"a/b/c\"", "\"kubernetes\"", "[]", "{}", "[null]", "[[]]", "[{}]",
        "{\"\":1}", "{\"$patch\":\"delete\"}", "{\"$patch\":\"replace\"}", "[{\"$patch\":\"delete\"}]", "{\"a\":{\"b\":[1,{\"c\":null}]}}", "\"2026-13-45T00:00:00Z\"",
    ];

    private static readonly string[] Queries =
    [
        "", "?dryRun=All", "?fieldManager=f&force=true", "?fieldManager=f", "?fieldValidation=Strict", "?fieldValidation=Foo", "?dryRun=None", "?limit=1", "?limit=-5", "?labelSelector=a",
        "?labelSelector=((", "?labelSelector=a in (b", "?fieldSelector=metadata.name=f", "?fieldSelector==", "?continue=e30", "?resourceVersion=1&resourceVersionMatch=Exact", "?resourceVersion=-1",
        "?watch=1&timeoutSeconds=1&resourceVersion=1", "?propagationPolicy=Foo", "?propagationPolicy=Foreground", "?gracePeriodSeconds=0", "?pretty=true", "?%00=%ff", "?sendInitialEvents=true&watch=1",
    ];

    private static readonly string[] Accepts = ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "application/yaml", "*/*"];

    /// <summary>Requests of one run; TROUPE_FUZZ_REQUESTS asks for a longer one.</summary>
    private static readonly int Requests = int.TryParse(Environment.GetEnvironmentVariable("TROUPE_FUZZ_REQUESTS"), out var wanted) ? wanted : 3000;

    /// <summary>Longer than any of these may take, watches with a timeout of a second included.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Whatever_is_sent_is_answered_without_an_internal_error()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.SendAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CrdTests.Widget());
        var seed = Environment.TickCount;
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            var random = new Random(seed + i);
            var (method, path, body, type) = Request(random);
            var (response, text) = await cluster.RawAsync(method, path, body, type, Accepts[random.Next(Accepts.Length)]).WaitAsync(Hang, CancellationToken.None);
            Assert.True((int)response.StatusCode is < 500 or 503 or 504, $"seed {seed + i}: {method} {path} {type}\n{body}\n=> {(int)response.StatusCode} {text}");
        });
        Assert.Contains("\"kind\":\"NamespaceList\"", (await cluster.RawAsync("GET", "/api/v1/namespaces")).Text);
        await WholeAsync(cluster);
    }

    [Fact]
    public async Task Whatever_a_selector_or_a_token_is_the_answer_is_a_list_or_a_refusal()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.SendAsync("POST", ConfigMaps, ConfigMap("f"));
        var seed = Environment.TickCount;
        string[] names = ["labelSelector", "fieldSelector", "continue", "resourceVersion", "resourceVersionMatch", "limit", "timeout", "timeoutSeconds", "fieldManager", "includeObject", "pretty"];
        const string Alphabet = "aB1=!,()<> \\/.-_'\"{}[]%\u00e4\u0001innot";
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
        {
            var random = new Random(seed + i);
            var query = string.Join('&', Enumerable.Range(0, random.Next(1, 3)).Select(_ =>
                $"{names[random.Next(names.Length)]}={Uri.EscapeDataString(string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => Alphabet[random.Next(Alphabet.Length)])))}"));
            var (response, text) = await cluster.RawAsync("GET", $"{ConfigMaps}?{query}", accept: Accepts[random.Next(Accepts.Length)]).WaitAsync(Hang, CancellationToken.None);
            Assert.True((int)response.StatusCode is 200 or 400 or 410 or 422 or 504, $"seed {seed + i}: {query}\n=> {(int)response.StatusCode} {text}");
        });
    }

    /// <summary>Nothing half-written was kept: every object can be read, names itself as its key does, and can be written back as it is.</summary>
    private static async Task WholeAsync(TestCluster cluster)
    {
        foreach (var path in Paths)
        {
            var all = path.Replace("/namespaces/default", "", StringComparison.Ordinal);
            foreach (var item in (await cluster.SendAsync("GET", all)).Body["items"]!.AsArray())
            {
                var metadata = item!["metadata"]!.AsObject();
                Assert.NotEqual("", (string?)metadata["name"]);
                Assert.True(Guid.TryParse((string?)metadata["uid"], out _), item.ToJsonString());
                if (metadata["deletionTimestamp"] is not null)
                    continue;
                var at = metadata["namespace"] is { } ns ? all.Insert(all.LastIndexOf('/'), $"/namespaces/{ns}") : all;
                var (response, text) = await cluster.RawAsync("PUT", $"{at}/{Uri.EscapeDataString((string)metadata["name"]!)}", item.ToJsonString());
                Assert.True((int)response.StatusCode is 200 or 404 or 409, $"{at}: {item.ToJsonString()}\n=> {(int)response.StatusCode} {text}");
            }
        }
    }

    private static (string Method, string Path, string? Body, string Type) Request(Random random)
    {
        T Pick<T>(T[] from) => from[random.Next(from.Length)];
        var at = random.Next(Objects.Length);
        var path = random.Next(10) == 0 ? Pick(Paths) : Paths[at];
        var name = path.EndsWith("customresourcedefinitions", StringComparison.Ordinal) ? "gizmos.example.com" : path.EndsWith("apiservices", StringComparison.Ordinal) ? "v1.f.example.com" : "f";
        var sub = random.Next(6) switch { 0 => "/status", 1 => "/scale", 2 => "/binding", _ => "" };
        var item = $"{path}/{name}{sub}{Pick(Queries)}";
        var body = Mutated(Objects[at], random);
        return random.Next(10) switch
        {
            < 4 => ("POST", path + Pick(Queries), body, Pick(["application/json", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/csv"])),
            4 => ("PUT", item, body, "application/json"),
            5 => ("PATCH", item, body, Pick(["application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"])),
            6 => ("PATCH", item, Operations(random), "application/json-patch+json"),
            7 => ("DELETE", item, random.Next(2) == 0 ? null : Pick(Values), "application/json"),
            _ => ("GET", random.Next(2) == 0 ? item : path + Pick(Queries), null, ""),
        };
    }

    private static string Mutated(string text, Random random)
    {
        if (random.Next(12) == 0)
            return text[..random.Next(text.Length)];
        if (random.Next(12) == 0)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            bytes[random.Next(bytes.Length)] = (byte)random.Next(32, 127);
            return Encoding.UTF8.GetString(bytes);
        }
        var root = JsonNode.Parse(text)!;
        for (var n = random.Next(3); n > 0; n--)
        {
            var nodes = new List<JsonNode>();
            Collect(root, nodes);
            var parent = nodes[random.Next(nodes.Count)];
            var value = JsonNode.Parse(Values[random.Next(Values.Length)]);
            if (parent is JsonObject { Count: > 0 } obj)
                obj[random.Next(5) == 0 ? "odd" : obj.ElementAt(random.Next(obj.Count)).Key] = value;
            else if (parent is JsonArray { Count: > 0 } array)
                array[random.Next(array.Count)] = value;
        }
        return root.ToJsonString();
    }

    private static string Operations(Random random)
    {
        string[] paths = ["", "/", "/metadata", "/metadata/name", "/metadata/labels", "/metadata/labels/a~1b", "/metadata/finalizers/-", "/spec", "/spec/containers/0", "/data", "/status", "/kind", "x", "/metadata/managedFields"];
        string[] operations = ["add", "remove", "replace", "move", "copy", "test", "nothing"];
        var all = new JsonArray();
        for (var n = random.Next(4); n >= 0; n--)
        {
            all.Add(new JsonObject
            {
                ["op"] = operations[random.Next(operations.Length)],
                ["path"] = paths[random.Next(paths.Length)],
                ["from"] = paths[random.Next(paths.Length)],
                ["value"] = JsonNode.Parse(Values[random.Next(Values.Length)]),
            });
        }
        return all.ToJsonString();
    }

    private static void Collect(JsonNode? node, List<JsonNode> into)
    {
        switch (node)
        {
            case JsonObject obj:
                into.Add(obj);
                foreach (var (_, child) in obj)
                    Collect(child, into);
                break;
            case JsonArray array:
                into.Add(array);
                foreach (var child in array)
                    Collect(child, into);
                break;
        }
    }
}
