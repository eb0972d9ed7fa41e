using System.Net.Security;
using System.Net.Sockets;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>Does what probes and lifecycle hooks say: a command in the container, an HTTP request, a connection, a pause.</summary>
internal sealed class HandlerRunner(RuncRuntime runtime, TimeProvider time)
{
    // The kubelet's probes don't ask whose certificate it is: a pod answers for itself, and nothing secret is sent. Each connects anew.
#pragma warning disable CA5359
    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.Zero,
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    })
    { Timeout = Timeout.InfiniteTimeSpan };
#pragma warning restore CA5359

    /// <returns>Null for success, otherwise what went wrong.</returns>
    public async Task<string?> RunAsync(Handler handler, Container container, string containerId, string podIp, TimeSpan timeout, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            return handler switch
            {
                { Exec: { } exec } => await ExecAsync(exec, containerId, limit.Token),
                { HttpGet: { } get } => await GetAsync(get, container, podIp, limit.Token),
                { TcpSocket: { } tcp } => await ConnectAsync(tcp, container, podIp, limit.Token),
                { Grpc: { } grpc } => await GrpcHealth.CheckAsync(podIp, grpc.Port, grpc.Service, limit.Token),
                { Sleep: { } sleep } => await SleepAsync(sleep, limit.Token),
                _ => "missing probe handler",
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return handler.Exec is { } exec
                ? $"command timed out: \"{string.Join(' ', exec.Command)}\" timed out after {timeout.TotalSeconds:0}s"
                : "context deadline exceeded (timed out)";
        }
    }

    private async Task<string?> ExecAsync(ExecAction exec, string containerId, CancellationToken ct)
    {
        var result = await runtime.ExecAsync(containerId, exec.Command, ct);
        return result.Ok ? null : (result.Output + result.Error).Trim();
    }

    private static async Task<string?> GetAsync(HttpGetAction get, Container container, string podIp, CancellationToken ct)
    {
        var host = get.Host.Length > 0 ? get.Host : podIp;
        if (Port(get.Port, container) is not { } port) return $"invalid port {get.Port?.Text}";
        var path = get.Path.StartsWith('/') ? get.Path : "/" + get.Path;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{(get.Scheme == "HTTPS" ? "https" : "http")}://{host}:{port}{path}");
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.32");
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        foreach (var header in get.HttpHeaders)
        {
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase)) request.Headers.Host = header.Value;
            else request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        try
        {
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            return (int)response.StatusCode is >= 200 and < 400 ? null : $"HTTP probe failed with statuscode: {(int)response.StatusCode}";
        }
        catch (HttpRequestException failure)
        {
            return $"Get \"{request.RequestUri}\": {failure.InnerException?.Message ?? failure.Message}";
        }
    }

    private static async Task<string?> ConnectAsync(TcpSocketAction tcp, Container container, string podIp, CancellationToken ct)
    {
        var host = tcp.Host.Length > 0 ? tcp.Host : podIp;
        if (Port(tcp.Port, container) is not { } port) return $"invalid port {tcp.Port?.Text}";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(host, port, ct);
            return null;
        }
        catch (SocketException failure)
        {
            return $"dial tcp {host}:{port}: connect: {failure.Message.ToLowerInvariant()}";
        }
    }

    private async Task<string?> SleepAsync(SleepAction sleep, CancellationToken ct)
    {
        await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), time, ct);
        return null;
    }

    private static int? Port(IntOrString? port, Container container) =>
        port?.Number ?? container.Ports.Find(p => p.Name == port?.Text)?.Number;
}
