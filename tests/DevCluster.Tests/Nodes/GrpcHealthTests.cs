using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Troupe.DevCluster.Nodes.Kubelet;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class GrpcHealthTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("down", "service unhealthy (responded with \"NOT_SERVING\")")]
    [InlineData("none", "error: health rpc probe failed with status 5")]
    [InlineData("old", "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)")]
    public async Task A_health_check_says_what_the_service_says(string service, string? expected)
    {
        await using var server = await ServeAsync();
        var port = new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        Assert.Equal(expected, await GrpcHealth.CheckAsync("127.0.0.1", port, service, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Where_nobody_listens_the_check_fails() =>
        Assert.StartsWith("failed to connect service \"127.0.0.1:1\"", await GrpcHealth.CheckAsync("127.0.0.1", 1, "", TestContext.Current.CancellationToken));

    private static async Task<WebApplication> ServeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            // Behind the length prefix: tag, length, name.
            var service = body.Length > 7 ? System.Text.Encoding.UTF8.GetString(body.ToArray()[7..]) : "";
            context.Response.ContentType = "application/grpc";
            if (service is "none" or "old")
            {
                context.Response.Headers["grpc-status"] = service == "old" ? "12" : "5";
                return;
            }
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 8, (byte)(service == "down" ? 2 : 1) });
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await app.StartAsync();
        return app;
    }
}
