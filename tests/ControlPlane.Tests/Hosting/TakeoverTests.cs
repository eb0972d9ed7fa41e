using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Hosting;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.DevCluster;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Remoting;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.ControlPlane.Tests.Hosting;

/// <summary>A control plane of three members on one API server and one journal.</summary>
public sealed class TakeoverTests : IAsyncLifetime
{
    private const int Vmis = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-takeover-").FullName;
    private readonly List<IHost> _members = [];
    private readonly int _seed = Ports.Free();
    private DevClusterHost _cluster = null!;
    private KubeClient _client = null!;
    private EventRecorder _events = null!;

    [Fact]
    public async Task When_the_oldest_member_dies_the_others_go_on_with_its_VMIs()
    {
        foreach (var port in new[] { _seed, Ports.Free(), Ports.Free() })
            await StartMemberAsync(port);
        await UntilAsync("three members", () => Task.FromResult(_members.All(m => Cluster.Get(System(m)).State.Members.Count(s => s.Status is MemberStatus.Up) == 3)));
        for (var i = 0; i < Vmis; i++)
            await _client.CreateAsync(Vmi($"vmi-{i}"));
        await UntilAsync("a pod for each VMI", async () => (await PodsAsync()).Count == Vmis && (await VmisAsync()).All(v => v.Status?.Phase == VmiPhases.Scheduling));

        // It holds the singletons and a third of the shards, and says no word of farewell.
        ((ExtendedActorSystem)System(_members[0])).Abort();
        foreach (var vmi in await VmisAsync())
            await _client.DeleteAsync<VirtualMachineInstance>("default", vmi.Metadata.Name!);

        await UntilAsync("no VMI and no pod", async () => (await VmisAsync()).Count == 0 && (await PodsAsync()).Count == 0);
    }

    public async ValueTask InitializeAsync()
    {
        _cluster = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = Path.Combine(_folder, "state") });
        _client = KubeClient.FromKubeconfig(_cluster.Kubeconfig);
        _events = new EventRecorder(_client, "test", "test", TimeProvider.System, NullLogger.Instance);
        await new Installer(_client, NullLogger<Installer>.Instance).InstallCrdsAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await System(member).Terminate();
            member.Dispose();
        }

        await _events.DisposeAsync();
        _client.Dispose();
        await _cluster.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartMemberAsync(int port)
    {
        var options = new ControlPlaneOptions(_cluster.Kubeconfig, _folder, new RemotingOptions("127.0.0.1", "127.0.0.1", port, null), 0, [$"127.0.0.1:{_seed}"],
            null, "image", UseEmulation: true, Install: false, null, "default", LauncherPodOptions.DefaultQemuTimeoutSeconds);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka
            .WithWireSerialization()
            .WithTroupeCluster(options)
            .WithTroupeJournal(options.JournalConnection, options.State)
            .WithNodeLinks(TimeProvider.System, NullLoggerFactory.Instance)
            .WithVmis(_client, _events, () => new LauncherPodOptions(options.LauncherImage, UseEmulation: true), TimeProvider.System, NullLoggerFactory.Instance)
            .WithMachines(_client, _events, TimeProvider.System, NullLoggerFactory.Instance)
            .WithFeeds(_client, _events, options.LauncherImage, TimeProvider.System, NullLoggerFactory.Instance)
            .AddHocon("akka { loglevel = OFF, stdout-loglevel = OFF }", HoconAddMode.Prepend)
            .ConfigureLoggers(loggers => loggers.ClearLoggers()));
        var host = builder.Build();
        await host.StartAsync();
        _members.Add(host);
    }

    private static ActorSystem System(IHost member) => member.Services.GetRequiredService<ActorSystem>();

    private async Task<IReadOnlyList<VirtualMachineInstance>> VmisAsync() => (await _client.ListAsync<VirtualMachineInstance>("default")).Items;

    private async Task<IReadOnlyList<Pod>> PodsAsync() => (await _client.ListAsync<Pod>("default")).Items;

    private static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        var deadline = DateTime.UtcNow + Patience;
        while (!await holds())
        {
            Assert.True(DateTime.UtcNow < deadline, $"not within {Patience}: {what}");
            await Task.Delay(100);
        }
    }

    private static VirtualMachineInstance Vmi(string name) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("64Mi") }, Devices = new Devices() } },
    };
}
