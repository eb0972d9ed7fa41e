using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>An APIService with a real TLS server behind it.</summary>
public sealed class AggregationTests : IAsyncLifetime
{
    private const string Echo = "/apis/echo.example.com/v1";
    private TestCluster _cluster = null!;
    private WebApplication _backend = null!;
    private X509Certificate2 _certificate = null!;
    private readonly ConcurrentDictionary<string, string> _things = new();
    private TaskCompletionSource _release = new();
    private volatile bool _down, _stubborn;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=echo", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("echo.default.svc");
        request.CertificateExtensions.Add(names.Build());
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
        {
            https.ServerCertificate = _certificate;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.AllowAnyClientCertificate();
        })));
        _backend = builder.Build();
        _backend.UseWebSockets();
        _backend.Run(ServeAsync);
        await _backend.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _release.TrySetResult();
        await _backend.DisposeAsync();
        await _cluster.DisposeAsync();
        _certificate.Dispose();
    }

    [Fact]
    public async Task Requests_reach_the_backend_with_the_user_vouched_for_by_the_front_proxy()
    {
        await RegisterAsync();
        var (code, seen) = await _cluster.SendAsync("POST", Echo + "/namespaces/default/things/x/act?a=b", Parse("""{"hello":"world"}"""));
        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal(("kubernetes-admin", "CN=front-proxy-client", "?a=b"), (seen.Str("user"), seen.Str("proxy"), seen.Str("query")));
        Assert.Contains("system:masters", seen.Str("groups")!);
        Assert.Contains("world", seen.Str("body")!);
    }

    [Fact]
    public async Task Its_group_is_discovered_and_kubectl_can_use_it()
    {
        await RegisterAsync();
        await _cluster.EventuallyAsync(AvailableAsync, "the APIService is available");
        Assert.Contains("things", await _cluster.KubectlAsync("api-resources --api-group=echo.example.com"));
        Assert.Contains((await _cluster.SendAsync("GET", "/apis")).Body.Arr("groups")!, g => g.Str("name") == "echo.example.com");
        Assert.Contains("True", await _cluster.KubectlAsync("get apiservice v1.echo.example.com"));
    }

    [Fact]
    public async Task A_websocket_is_spliced_through_byte_for_byte()
    {
        await RegisterAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("plain.kubevirt.io");
        using var http = _cluster.Client();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri(_cluster.Host.Url.Replace("https", "wss", StringComparison.Ordinal) + Echo + "/stream"), http, patience.Token);
        Assert.Equal("plain.kubevirt.io", socket.SubProtocol);
        var sent = RandomNumberGenerator.GetBytes(100_000);
        await socket.SendAsync(sent, WebSocketMessageType.Binary, true, patience.Token);
        var received = new MemoryStream();
        var buffer = new byte[8192];
        while (received.Length < sent.Length)
        {
            var part = await socket.ReceiveAsync(buffer, patience.Token);
            received.Write(buffer, 0, part.Count);
        }
        Assert.Equal(sent, received.ToArray());
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", patience.Token);
    }

    [Fact]
    public async Task A_streamed_answer_arrives_before_it_is_complete()
    {
        await RegisterAsync();
        using var response = await _cluster.Http.GetAsync(Echo + "/slow", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("first", await lines.ReadLineAsync());
        _release.SetResult();
        Assert.Equal("second", await lines.ReadLineAsync());
    }

    [Fact]
    public async Task A_backend_that_is_not_there_or_not_trusted_is_a_503_and_says_so_in_its_condition()
    {
        await RegisterAsync(port: 1);
        var (code, status) = await _cluster.SendAsync("GET", Echo + "/things");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "ServiceUnavailable"), (code, status.Str("reason")));
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v1.echo.example.com")).Body
            .Arr("status", "conditions")?[0].Str("reason") == "FailedDiscoveryCheck", "the condition tells");
    }

    [Fact]
    public async Task An_untrusted_certificate_is_refused()
    {
        await RegisterAsync(bundle: _cluster.Host.CertificateAuthority.ExportCertificatePem());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _cluster.SendAsync("GET", Echo + "/things")).Code);
    }

    [Fact]
    public async Task Its_OpenAPI_v2_document_is_part_of_the_servers_and_names_that_mean_something_else_are_changed()
    {
        await RegisterAsync();
        await _cluster.EventuallyAsync(async () => (await _cluster.SendAsync("GET", "/openapi/v2")).Body.Obj("paths", Echo + "/namespaces/{namespace}/things") is not null, "the document has the path");
        var (_, document) = await _cluster.SendAsync("GET", "/openapi/v2");
        // Only what is asked there is its.
        Assert.Null(document.At("paths", "/healthz"));
        Assert.Null(document.At("paths", "/apis/other.example.com/v1/things"));
        var thing = document.Obj("definitions", "com.example.echo.v1.Thing")!;
        Assert.Equal("#/definitions/io.k8s.api.core.v1.ConfigMap_v2", thing.Str("properties", "config", "$ref"));
        Assert.Equal("not ours", document.Str("definitions", "io.k8s.api.core.v1.ConfigMap_v2", "description"));
        Assert.NotNull(document.At("definitions", "io.k8s.api.core.v1.ConfigMap", "properties", "binaryData"));
        Assert.Null(document.At("definitions", "com.example.echo.v1.Unused"));
        // And it goes with the APIService.
        await _cluster.SendAsync("DELETE", "/apis/apiregistration.k8s.io/v1/apiservices/v1.echo.example.com");
        Assert.Null((await _cluster.SendAsync("GET", "/openapi/v2")).Body.At("definitions", "com.example.echo.v1.Thing"));
    }

    [Fact]
    public async Task A_namespace_is_emptied_of_what_only_the_backend_knows()
    {
        await RegisterAsync();
        await _cluster.EventuallyAsync(AvailableAsync, "the APIService is available");
        _things["a"] = _things["b"] = "doomed";
        _things["c"] = "other";
        await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"doomed"}}"""));
        await _cluster.SendAsync("DELETE", "/api/v1/namespaces/doomed");
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync("/api/v1/namespaces/doomed"), "the namespace is gone");
        Assert.Equal(["c"], _things.Keys);
    }

    [Fact]
    public async Task A_namespace_stays_while_the_backend_is_down_or_keeps_its_objects_and_says_why()
    {
        await RegisterAsync();
        await _cluster.EventuallyAsync(AvailableAsync, "the APIService is available");
        _things["a"] = "doomed";
        _down = true;
        await _cluster.SendAsync("POST", "/api/v1/namespaces", Parse("""{"metadata":{"name":"doomed"}}"""));
        await _cluster.SendAsync("DELETE", "/api/v1/namespaces/doomed");
        async Task<string?> Condition(string type) => (await _cluster.SendAsync("GET", "/api/v1/namespaces/doomed")).Body.Arr("status", "conditions")?.FirstOrDefault(c => c.Str("type") == type) is { } c
            ? $"{c.Str("status")} {c.Str("reason")}: {c.Str("message")}" : null;
        await _cluster.EventuallyAsync(async () => await Condition("NamespaceDeletionDiscoveryFailure") ==
            "True DiscoveryFailed: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: echo.example.com/v1: stale GroupVersion discovery: echo.example.com/v1", "the condition tells");
        Assert.Equal("Terminating", (await _cluster.SendAsync("GET", "/api/v1/namespaces/doomed")).Body.Str("status", "phase"));
        (_stubborn, _down) = (true, false);
        await _cluster.EventuallyAsync(async () => await Condition("NamespaceDeletionContentFailure") is { } said
            && said == "True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: no deletions today", "it tells that the objects could not be deleted");
        Assert.StartsWith("False", await Condition("NamespaceDeletionDiscoveryFailure"), StringComparison.Ordinal);
        _stubborn = false;
        await _cluster.EventuallyAsync(() => _cluster.IsGoneAsync("/api/v1/namespaces/doomed"), "the namespace is gone");
        Assert.Empty(_things);
    }

    private async Task<bool> AvailableAsync() => (await _cluster.SendAsync("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v1.echo.example.com")).Body
        .Arr("status", "conditions")?[0].Str("status") == "True";

    /// <summary>A service with an EndpointSlice to the loopback port, as a controller would make it for pods.</summary>
    private async Task RegisterAsync(int? port = null, string? bundle = null)
    {
        var backend = new Uri(_backend.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        await _cluster.SendAsync("POST", "/api/v1/namespaces/default/services", Parse("""{"metadata":{"name":"echo"},"spec":{"ports":[{"port":443}]}}"""));
        await _cluster.SendAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", Parse($$$$"""
            {"metadata":{"name":"echo-1","labels":{"kubernetes.io/service-name":"echo"}},"addressType":"IPv4","ports":[{"port":{{{{port ?? backend}}}}}],"endpoints":[{"addresses":["127.0.0.1"]}]}
            """));
        var ca = Convert.ToBase64String(Encoding.ASCII.GetBytes(bundle ?? _certificate.ExportCertificatePem()));
        var (code, _) = await _cluster.SendAsync("POST", "/apis/apiregistration.k8s.io/v1/apiservices", Parse($$$"""
            {"metadata":{"name":"v1.echo.example.com"},"spec":{"group":"echo.example.com","version":"v1","groupPriorityMinimum":1000,"versionPriority":10,
             "caBundle":"{{{ca}}}","service":{"namespace":"default","name":"echo"} } }
            """));
        Assert.Equal(HttpStatusCode.Created, code);
    }

    private async Task ServeAsync(HttpContext context)
    {
        if (context.WebSockets.IsWebSocketRequest)
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols[0]);
            var buffer = new byte[8192];
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, context.RequestAborted);
                if (part.MessageType == WebSocketMessageType.Close)
                    break;
                await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
            }
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
            return;
        }
        if (_down)
        {
            context.Response.StatusCode = 503;
            return;
        }
        switch (context.Request.Path.Value)
        {
            case Echo:
                await context.Response.WriteAsync("""{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"echo.example.com/v1","resources":[{"name":"things","singularName":"thing","namespaced":true,"kind":"Thing","verbs":["get","list","delete"]}]}""");
                break;
            case "/openapi/v2":
                await context.Response.WriteAsync("""
                    {"swagger":"2.0","paths":{
                      "/apis/echo.example.com/v1/namespaces/{namespace}/things":{"get":{"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/com.example.echo.v1.Thing"}}}}},
                      "/apis/other.example.com/v1/things":{"get":{"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/com.example.echo.v1.Unused"}}}}},"/healthz":{}},
                     "definitions":{"com.example.echo.v1.Thing":{"properties":{"config":{"$ref":"#/definitions/io.k8s.api.core.v1.ConfigMap"}},"x-kubernetes-group-version-kind":[{"group":"echo.example.com","version":"v1","kind":"Thing"}]},
                      "io.k8s.api.core.v1.ConfigMap":{"description":"not ours"},"com.example.echo.v1.Unused":{}}}
                    """);
                break;
            case var path when path!.StartsWith(Echo + "/namespaces/doomed/things", StringComparison.Ordinal):
                if (context.Request.Method == "DELETE" && _stubborn)
                {
                    context.Response.StatusCode = 500;
                    await context.Response.WriteAsync("""{"kind":"Status","status":"Failure","code":500,"message":"no deletions today"}""");
                    break;
                }
                if (context.Request.Method == "DELETE" && path.EndsWith("/things", StringComparison.Ordinal))
                {
                    context.Response.StatusCode = 405;
                    break;
                }
                if (context.Request.Method == "DELETE")
                    _things.TryRemove(path.Split('/')[^1], out _);
                await context.Response.WriteAsync(new JsonObject
                {
                    ["kind"] = "ThingList",
                    ["items"] = new JsonArray([.. _things.Where(t => t.Value == "doomed").Select(t => (JsonNode)new JsonObject { ["metadata"] = new JsonObject { ["name"] = t.Key } })]),
                }.ToJsonString());
                break;
            case Echo + "/slow":
                await context.Response.WriteAsync("first\n");
                await context.Response.Body.FlushAsync();
                await _release.Task;
                await context.Response.WriteAsync("second\n");
                break;
            default:
                using (var reader = new StreamReader(context.Request.Body))
                {
                    await context.Response.WriteAsync(new JsonObject
                    {
                        ["user"] = context.Request.Headers["X-Remote-User"].ToString(),
                        ["groups"] = context.Request.Headers["X-Remote-Group"].ToString(),
                        ["proxy"] = context.Connection.ClientCertificate?.Subject,
                        ["query"] = context.Request.QueryString.Value,
                        ["body"] = await reader.ReadToEndAsync(),
                    }.ToJsonString());
                }
                break;
        }
    }
}
