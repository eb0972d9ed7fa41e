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

namespace Troupe.Conformance.Harness;

/// <summary>What a request to a <see cref="CallbackServer"/> held.</summary>
public sealed record Callback(string Method, string Path, string Query, JsonNode? Body, IHeaderDictionary Headers);

/// <summary>
/// The other side of webhooks and aggregated APIs: a TLS server on loopback, which the API server under test must be able to reach (it
/// runs on this machine). Its certificate is good for 127.0.0.1 and for one service.
/// </summary>
public sealed class CallbackServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;

    private CallbackServer(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public string CaBundle => Convert.ToBase64String(Encoding.ASCII.GetBytes(_certificate.ExportCertificatePem()));

    public ConcurrentQueue<Callback> Seen { get; } = new();

    /// <param name="service"><c>NAME.NAMESPACE</c>.</param>
    /// <param name="answer">The body of the answer; null for 404.</param>
    public static async Task<CallbackServer> StartAsync(string service, Func<Callback, JsonNode?> answer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=callback", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(service + ".svc");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var server = new CallbackServer(builder.Build(), certificate);
        server._app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var text = await reader.ReadToEndAsync();
            var callback = new Callback(context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "", text.Length == 0 ? null : JsonNode.Parse(text), context.Request.Headers);
            server.Seen.Enqueue(callback);
            context.Response.ContentType = "application/json";
            if (answer(callback) is { } body)
                await context.Response.WriteAsync(body.ToJsonString());
            else
                context.Response.StatusCode = 404;
        });
        await server._app.StartAsync();
        return server;
    }

    /// <summary>As a webhook's <c>clientConfig</c>.</summary>
    public string ByUrl(string path) => $$"""{"url":"https://127.0.0.1:{{Port}}{{path}}","caBundle":"{{CaBundle}}"}""";

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }
}
