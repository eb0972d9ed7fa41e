using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Turns a request into a two-way connection: a web socket or SPDY/3.1, whichever the client asks for.</summary>
internal static class Upgrades
{
    public static bool IsWebSocket(HttpContext context) => context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase);

    /// <param name="context">The request.</param>
    /// <param name="protocols">What the server speaks, best first.</param>
    /// <exception cref="ApiException">400 when there is no upgrade to be had; 403 for no protocol in common.</exception>
    public static async Task<WebSocket> WebSocketAsync(HttpContext context, params string[] protocols)
    {
        var upgrade = Feature(context);
        var asked = context.Request.Headers.SecWebSocketProtocol.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToList();
        var chosen = protocols.FirstOrDefault(asked.Contains)
            ?? throw new ApiException(403, "Forbidden", $"unable to upgrade: unable to negotiate protocol: client supports [{string.Join(' ', asked)}], server accepts [{string.Join(' ', protocols)}]");
        var headers = context.Response.Headers;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        headers.SecWebSocketProtocol = chosen;
        headers.SecWebSocketAccept = Accept(context.Request.Headers.SecWebSocketKey.ToString());
        var stream = await upgrade.UpgradeAsync();
        return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = chosen, KeepAliveInterval = TimeSpan.FromSeconds(20) });
    }

    /// <inheritdoc cref="WebSocketAsync"/>
    public static async Task<SpdyConnection> SpdyAsync(HttpContext context, params string[] protocols)
    {
        if (!context.Request.Headers.Upgrade.ToString().Equals("SPDY/3.1", StringComparison.OrdinalIgnoreCase))
            throw ApiException.BadRequest("Upgrade request required");
        var asked = context.Request.Headers["X-Stream-Protocol-Version"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)).ToList();
        var chosen = protocols.FirstOrDefault(asked.Contains)
            ?? throw new ApiException(403, "Forbidden", $"unable to upgrade: unable to negotiate protocol: client supports [{string.Join(' ', asked)}], server accepts [{string.Join(' ', protocols)}]");
        var headers = context.Response.Headers;
        headers.Connection = "Upgrade";
        headers.Upgrade = "SPDY/3.1";
        headers["X-Stream-Protocol-Version"] = chosen;
        return new SpdyConnection(await Feature(context).UpgradeAsync());
    }

    private static IHttpUpgradeFeature Feature(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : throw ApiException.BadRequest("Upgrade request required");

    // The web socket protocol (RFC 6455) says SHA-1; nothing is kept secret by it.
#pragma warning disable CA5350
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
