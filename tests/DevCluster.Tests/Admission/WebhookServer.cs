using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Tests.Admission;

/// <summary>A TLS server on loopback that answers reviews by path; its certificate is good for 127.0.0.1 and hook.default.svc.</summary>
internal sealed class WebhookServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;
    private readonly ConcurrentDictionary<string, Func<JsonObject, Task<JsonObject>>> _answers = new();

    private WebhookServer(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    /// <summary>All reviews that came in, in order.</summary>
    public ConcurrentQueue<(string Path, JsonObject Review)> Seen { get; } = new();

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public string CaBundle => Convert.ToBase64String(Encoding.ASCII.GetBytes(_certificate.ExportCertificatePem()));

    public static async Task<WebhookServer> StartAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hook", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("hook.default.svc");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var server = new WebhookServer(builder.Build(), certificate);
        server._app.Run(server.ServeAsync);
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

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
