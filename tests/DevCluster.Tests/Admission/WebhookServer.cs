using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Troupe.DevCluster.Json;
using Troupe.Tests.Shared;

namespace Troupe.DevCluster.Tests.Admission;

/// <summary>A TLS server on loopback that answers reviews by path; its certificate is good for 127.0.0.1 and hook.default.svc.</summary>
internal sealed class WebhookServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<JsonObject, Task<JsonObject>>> _answers = new();
    private TlsServer _server = null!;

    private WebhookServer()
    {
    }

    /// <summary>All reviews that came in, in order.</summary>
    public ConcurrentQueue<(string Path, JsonObject Review)> Seen { get; } = new();

    public int Port => _server.Port;

    public string CaBundle => _server.CaBundle;

    public static async Task<WebhookServer> StartAsync()
    {
        var webhooks = new WebhookServer();
        webhooks._server = await TlsServer.StartAsync("hook.default", webhooks.ServeAsync);
        return webhooks;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    public void On(string path, Func<JsonObject, Task<JsonObject>> answer) => _answers[path] = answer;

    /// <summary>Answers a review with the response that is made of its request.</summary>
    public void Respond(string path, Func<JsonObject, JsonObject> response) => On(path, review =>
    {
        var answer = response(review.Obj("request")!);
        answer["uid"] = review.Str("request", "uid");
        return Task.FromResult(new JsonObject { ["apiVersion"] = review.Str("apiVersion"), ["kind"] = review.Str("kind"), ["response"] = answer });
    });

    public void Allow(string path) => Respond(path, _ => new JsonObject { ["allowed"] = true });

    public void Patch(string path, Func<JsonObject, string> patch) => Respond(path, request => new JsonObject
    {
        ["allowed"] = true,
        ["patchType"] = "JSONPatch",
        ["patch"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(patch(request))),
    });

    public JsonObject ByUrl(string path) => new() { ["url"] = $"https://127.0.0.1:{Port}{path}", ["caBundle"] = CaBundle };

    private async Task ServeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var review = JsonNode.Parse(await reader.ReadToEndAsync())!.AsObject();
        Seen.Enqueue((context.Request.Path.Value!, review));
        if (!_answers.TryGetValue(context.Request.Path.Value!, out var answer))
        {
            context.Response.StatusCode = 404;
            return;
        }
        await context.Response.WriteAsync((await answer(review)).ToJsonString());
    }
}
