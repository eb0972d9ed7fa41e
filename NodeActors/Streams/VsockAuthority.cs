using System.Buffers.Binary;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Troupe.NodeActors.Streams;

/// <summary>
/// Where guests learn whom to believe: gRPC on port 1 of the host's VSOCK address, which nobody but this node's guests can reach. One method
/// of one service, so it is spoken by hand: the answer is one frame with one field.
/// </summary>
public sealed class VsockAuthority(IVsock vsock, IVsockTrust trust, TimeProvider time, ILogger<VsockAuthority> log) : BackgroundService
{
    public const uint Port = 1;
    public const string CaBundle = "/kubevirt.vsock.system.v1.System/CABundle";
    private const byte RawField = 1 << 3 | 2;
    private const string Unavailable = "14";

    /// <summary>The device may come with a kernel module, and the agent that had the port before may go.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>The service alone, on whatever <paramref name="listeners"/> listen.</summary>
    public static WebApplication Build(IConnectionListenerFactory listeners, System.Net.EndPoint at, IVsockTrust trust)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(listeners);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(at, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapPost(CaBundle, context => AnswerAsync(context, trust));
        return app;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? told = null;
        using var timer = new PeriodicTimer(Pause, time);
        do
        {
            try
            {
                using var listener = vsock.Listen(Port);
                await using var app = Build(new StreamListenerFactory(listener), new VsockEndPoint(Port), trust);
                await app.StartAsync(stoppingToken);
                log.LogInformation("guests find the cluster's authorities on VSOCK port {Port}", Port);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await app.StopAsync(CancellationToken.None);
                return;
            }
            catch (IOException e)
            {
                // Most nodes have no VSOCK, and that is no news a minute later.
                if (told != e.Message)
                    log.LogInformation("no service for guests on VSOCK: {Reason}", told = e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static async Task AnswerAsync(HttpContext context, IVsockTrust trust)
    {
        // The request says nothing, but is read to its end.
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Response.ContentType = "application/grpc";
        byte[] bundle;
        try
        {
            bundle = await trust.BundleAsync(context.RequestAborted);
        }
        catch (IOException e)
        {
            context.Response.Headers["grpc-status"] = Unavailable;
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(e.Message);
            return;
        }

        await context.Response.Body.WriteAsync(Frame(bundle), context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>`message Bundle { bytes Raw = 1; }`, not compressed.</summary>
    private static byte[] Frame(byte[] raw)
    {
        List<byte> message = [RawField];
        for (var rest = (uint)raw.Length; ; rest >>= 7)
        {
            message.Add((byte)(rest > 0x7F ? rest | 0x80 : rest));
            if (rest <= 0x7F)
                break;
        }

        message.AddRange(raw);
        var head = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(1), message.Count);
        return [.. head, .. message];
    }
}
