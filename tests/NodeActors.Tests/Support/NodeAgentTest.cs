using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Tests.Support;

/// <summary>A node agent with real sockets to fake launchers, and a probe in the control plane's place.</summary>
public abstract class NodeAgentTest : TestKit
{
    protected const string Node = "node-1";
    protected const string Vmi = "6a36fa53-7078-44ec-9010-bfdbff93ad0a";
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly List<FakeLauncher> _launchers = [];

    private protected NodeAgentTest()
        : base("akka { loglevel = WARNING, stdout-loglevel = WARNING, log-dead-letters = off }")
    {
        ControlPlane = CreateTestProbe("control-plane");
    }

    private protected TestProbe ControlPlane { get; }

    private protected TempNode Folders { get; } = new();

    private protected FakeNetworking Networking { get; } = new();

    private protected FakeVolumes Volumes { get; } = new();

    private protected FaultyClock Clock { get; } = new();

    private protected FakeLauncher Launcher(string podUid, string vmiUid = Vmi, DomainObservation? domain = null)
    {
        var launcher = new FakeLauncher(Folders.Pods, podUid, vmiUid, domain);
        _launchers.Add(launcher);
        return launcher;
    }

    private protected IActorRef StartAgent(string agentId = "agent") => Sys.ActorOf(NodeActor.Props(
        new DomainActorServices(Node, agentId, UseEmulation: true, new LauncherConnector(Folders.Pods), Networking, Volumes, ControlPlane, Clock, NullLogger.Instance), Folders.Pods));

    private protected async Task<IActorRef> StartAgentAndHearItAsync(string agentId = "agent")
    {
        var agent = StartAgent(agentId);
        await NextAsync<AgentHello>(h => h.AgentId == agentId);
        return agent;
    }

    private protected static RunDomain Run(string podUid, long epoch = 1) => new(Node, Vmi, epoch, podUid, ["10.244.0.5"],
        new VirtualMachineInstance { Metadata = new ObjectMeta { Name = "vmi", Namespace = "default", Uid = Vmi } });

    /// <summary>The next message of the kind that the control plane gets, whatever comes before it.</summary>
    private protected async Task<T> NextAsync<T>(Func<T, bool>? wanted = null) where T : class =>
        (T)await ControlPlane.FishForMessageAsync(m => m is T t && (wanted is null || wanted(t)), Patience);

    /// <summary>The next such report, acknowledged as the control plane does it.</summary>
    private protected async Task<DomainReported> ReportOfAsync(IActorRef agent, Func<DomainReported, bool> wanted)
    {
        var report = await NextAsync(wanted);
        agent.Tell(new ReportAcknowledged(Node, Vmi, report.Epoch, report.Sequence));
        return report;
    }

    private protected Task<DomainReported> ReportOfAsync(IActorRef agent, DomainState state) => ReportOfAsync(agent, r => r.Domain.State == state);

    private protected Task Eventually(Func<bool> condition) => AwaitConditionAsync(() => Task.FromResult(condition()), Patience);

    protected override void AfterAll()
    {
        base.AfterAll();
        foreach (var launcher in _launchers)
            launcher.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Folders.Dispose();
    }
}
