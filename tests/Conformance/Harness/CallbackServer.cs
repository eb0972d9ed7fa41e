using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Troupe.Tests.Shared;

namespace Troupe.Conformance.Harness;

/// <summary>What a request to a <see cref="CallbackServer"/> held.</summary>
public sealed record Callback(string Method, string Path, string Query, JsonNode? Body, IHeaderDictionary Headers);

/// <summary>
/// The other side of webhooks and aggregated APIs: a TLS server on loopback, which the API server under test must be able to reach (it
/// runs on this machine). Its certificate is good for 127.0.0.1 and for one service.
/// </summary>
public sealed class CallbackServer : IAsyncDisposable
{
    private readonly Func<Callback, JsonNode?> _answer;
    private TlsServer _server = null!;

    private CallbackServer(Func<Callback, JsonNode?> answer) => _answer = answer;

    public int Port => _server.Port;

    public string CaBundle => _server.CaBundle;

    public ConcurrentQueue<Callback> Seen { get; } = new();

    /// <param name="service"><c>NAME.NAMESPACE</c>.</param>
    /// <param name="answer">The body of the answer; null for 404.</param>
    public static async Task<CallbackServer> StartAsync(string service, Func<Callback, JsonNode?> answer)
    {
        var callbacks = new CallbackServer(answer);
        callbacks._server = await TlsServer.StartAsync(service, callbacks.ServeAsync);
        return callbacks;
    }

    /// <summary>As a webhook's <c>clientConfig</c>.</summary>
    public string ByUrl(string path) => $$"""{"url":"https://127.0.0.1:{{Port}}{{path}}","caBundle":"{{CaBundle}}"}""";

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        var callback = new Callback(context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "", text.Length == 0 ? null : JsonNode.Parse(text), context.Request.Headers);
        Seen.Enqueue(callback);
        context.Response.ContentType = "application/json";
        if (_answer(callback) is { } body)
            await context.Response.WriteAsync(body.ToJsonString());
        else
            context.Response.StatusCode = 404;
    }
}
