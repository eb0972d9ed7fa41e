using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Troupe.Launcher.Tests.Hooks.Info;

namespace Troupe.Launcher.Tests.Hooks;

/// <summary>What a side-car of the test does; its server is a real one.</summary>
internal sealed record HookBehaviour(string Name, string[] Versions, params (string Point, int Priority)[] Points)
{
    public Func<string, string> Define { get; init; } = xml => xml;
    public Func<(string NoCloud, string Full), (string NoCloud, string Full)> Seed { get; init; } = data => data;
    public List<string> Heard { get; } = [];
}

internal sealed class HookServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HookServer(WebApplication app) => _app = app;

    /// <param name="folder">The folder that the launcher shares with all side-cars.</param>
    public static async Task<HookServer> StartAsync(string folder, HookBehaviour behaviour)
    {
        var own = Directory.CreateDirectory(Path.Combine(folder, behaviour.Name)).FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Path.Combine(own, $"{behaviour.Name}.sock"), l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(behaviour);
        var app = builder.Build();
        app.MapGrpcService<InfoService>();
        app.MapGrpcService<OldCallbacks>();
        app.MapGrpcService<NewCallbacks>();
        await app.StartAsync();
        return new HookServer(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private sealed class InfoService(HookBehaviour behaviour) : Info.Info.InfoBase
    {
        public override Task<InfoResult> Info(InfoParams request, ServerCallContext context) => Task.FromResult(new InfoResult
        {
            Name = behaviour.Name,
            Versions = { behaviour.Versions },
            HookPoints = { behaviour.Points.Select(p => new HookPoint { Name = p.Point, Priority = p.Priority }) },
        });
    }

    private sealed class OldCallbacks(HookBehaviour behaviour) : V1Alpha1.Callbacks.CallbacksBase
    {
        public override Task<V1Alpha1.OnDefineDomainResult> OnDefineDomain(V1Alpha1.OnDefineDomainParams request, ServerCallContext context) =>
            Task.FromResult(new V1Alpha1.OnDefineDomainResult { DomainXML = ByteString.CopyFromUtf8(behaviour.Define(request.DomainXML.ToStringUtf8())) });
    }

    private sealed class NewCallbacks(HookBehaviour behaviour) : V1Alpha3.Callbacks.CallbacksBase
    {
        public override Task<V1Alpha3.OnDefineDomainResult> OnDefineDomain(V1Alpha3.OnDefineDomainParams request, ServerCallContext context)
        {
            behaviour.Heard.Add(Encoding.UTF8.GetString(request.Vmi.Span));
            return Task.FromResult(new V1Alpha3.OnDefineDomainResult { DomainXML = ByteString.CopyFromUtf8(behaviour.Define(request.DomainXML.ToStringUtf8())) });
        }

        public override Task<V1Alpha3.PreCloudInitIsoResult> PreCloudInitIso(V1Alpha3.PreCloudInitIsoParams request, ServerCallContext context)
        {
            var (old, full) = behaviour.Seed((request.CloudInitNoCloudSource.ToStringUtf8(), request.CloudInitData.ToStringUtf8()));
            return Task.FromResult(new V1Alpha3.PreCloudInitIsoResult { CloudInitNoCloudSource = ByteString.CopyFromUtf8(old), CloudInitData = ByteString.CopyFromUtf8(full) });
        }

        public override Task<V1Alpha3.ShutdownResult> Shutdown(V1Alpha3.ShutdownParams request, ServerCallContext context)
        {
            behaviour.Heard.Add("shutdown");
            return Task.FromResult(new V1Alpha3.ShutdownResult());
        }
    }
}
