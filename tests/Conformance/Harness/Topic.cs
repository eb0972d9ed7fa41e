using Xunit;

namespace Troupe.Conformance.Harness;

/// <summary>The tests of one topic. Each test has the server and a namespace of its own.</summary>
public abstract class Topic(ApiServer server) : IAsyncLifetime
{
    protected const string Merge = "application/merge-patch+json";
    protected const string Strategic = "application/strategic-merge-patch+json";
    protected const string JsonPatch = "application/json-patch+json";
    protected const string Apply = "application/apply-patch+yaml";

    private TestNamespace? _namespace;

    protected ApiServer Server => server;

    protected string Namespace => _namespace!.Name;

    public async ValueTask InitializeAsync()
    {
        _namespace = await TestNamespace.CreateAsync(server);
        await PrepareAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CleanUpAsync();
        await _namespace!.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual ValueTask PrepareAsync() => ValueTask.CompletedTask;

    /// <summary>For what a test makes outside of its namespace.</summary>
    protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    /// <summary>A resource in the test's namespace: <c>configmaps</c>, <c>apps/v1/deployments</c>.</summary>
    protected string In(string resource) => _namespace!.Path(resource);

    protected Task<Answer> Get(string path, string? accept = null) => server.SendAsync("GET", path, accept: accept);

    protected Task<Answer> Post(string path, string body) => server.SendAsync("POST", path, body);

    protected Task<Answer> Put(string path, string body) => server.SendAsync("PUT", path, body);

    protected Task<Answer> Patch(string path, string body, string type = Merge) => server.SendAsync("PATCH", path, body, type);

    protected Task<Answer> Delete(string path, string? body = null) => server.SendAsync("DELETE", path, body);

    protected async Task<Answer> ConfigMap(string name, string data = """{"k":"1"}""", string metadata = "")
    {
        var more = metadata.Length > 0 ? "," + metadata : "";
        return (await Post(In("configmaps"), $$"""{"metadata":{"name":"{{name}}"{{more}}},"data":{{data}}}""")).Expect(201);
    }

    protected Task<KubectlResult> Kubectl(string line, string? input = null) => server.Kubectl.RunAsync($"-n {Namespace} {line}", input);

    /// <summary>Not applicable to a server that is too old for the feature.</summary>
    protected void Needs(int minor, string feature) => Assert.SkipUnless(server.Minor >= minor, $"{feature} came with 1.{minor}; this is 1.{server.Minor}");

    protected void NeedsControllers() => Assert.SkipUnless(server.HasControllers, "no controllers run beside this API server");

    /// <summary>Pods are only admitted once their namespace has its default service account.</summary>
    protected async Task NeedsPodsAsync()
    {
        NeedsControllers();
        // Old versions also want its token secret.
        await Eventually.HoldsAsync(async () => await Get(In("serviceaccounts/default")) is { Code: 200 } account && (Server.Minor >= 24 || account["secrets[0].name"] is not null),
            "the default service account is there");
    }
}
