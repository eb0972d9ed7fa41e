using System.Security.Cryptography;

namespace Troupe.Conformance.Harness;

/// <summary>A namespace of one test; what is left in it goes with it.</summary>
public sealed class TestNamespace : IAsyncDisposable
{
    private readonly ApiServer _server;

    private TestNamespace(ApiServer server, string name) => (_server, Name) = (server, name);

    public string Name { get; }

    public static async Task<TestNamespace> CreateAsync(ApiServer server)
    {
        var name = "conf-" + RandomNumberGenerator.GetString("bcdfghjkmnpqrstvwxz", 8);
        (await server.SendAsync("POST", "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{name}}}"}}""")).Expect(201);
        return new TestNamespace(server, name);
    }

    /// <summary><c>configmaps/a?dryRun=All</c> or <c>apps/v1/deployments</c> (a second step that is a version makes the first a group), in this namespace.</summary>
    public string Path(string resource) =>
        resource.Split('/', 3) is [var group, ['v', >= '1' and <= '9', ..] version, var rest]
            ? $"/apis/{group}/{version}/namespaces/{Name}/{rest}"
            : $"/api/v1/namespaces/{Name}/{resource}";

    public async ValueTask DisposeAsync() => await _server.SendAsync("DELETE", "/api/v1/namespaces/" + Name);
}
