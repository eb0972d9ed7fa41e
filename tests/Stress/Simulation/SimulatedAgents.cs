using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Troupe.Kubernetes.Remoting;
using Troupe.NodeActors.Hosting;
using Troupe.NodeActors.Launchers;

namespace Troupe.Stress.Simulation;

/// <summary>
/// The real node agents of simulated nodes. Several share an actor system, as many as a test machine can carry; to the control plane each is one of
/// its own.
/// </summary>
public sealed class SimulatedAgents : IAsyncDisposable
{
    private const int AgentsPerSystem = 25;
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, (ActorSystem System, IActorRef Link, IActorRef? Agent)> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LinkFaults> _faults;
    private readonly List<IHost> _systems = [];
    private readonly SimulatedHosts _hosts;
    private readonly Func<string, PodFolders> _folders;

    private SimulatedAgents(SimulatedHosts hosts, Func<string, PodFolders> folders, Dictionary<string, LinkFaults> faults) =>
        (_hosts, _folders, _faults) = (hosts, folders, faults);

    /// <param name="contactPoint">The control plane's remoting, <c>HOST:PORT</c>.</param>
    /// <param name="faults">Of each node's way to the control plane.</param>
    public static async Task<SimulatedAgents> StartAsync(SimulatedHosts hosts, Func<string, PodFolders> folders, string contactPoint, Dictionary<string, LinkFaults> faults)
    {
        var agents = new SimulatedAgents(hosts, folders, faults);
        var remoting = new RemotingOptions("127.0.0.1", "127.0.0.1", 0, null);
        foreach (var nodes in faults.Keys.Chunk(AgentsPerSystem))
        {
            var host = new HostBuilder().ConfigureServices(services => services.AddAkka(AkkaConfiguration.SystemName, akka => akka.WithAgentRemoting(remoting))).Build();
            await host.StartAsync();
            agents._systems.Add(host);
            var system = host.Services.GetRequiredService<ActorSystem>();
            var link = AkkaConfiguration.StartLink(system, remoting, [contactPoint]);
            foreach (var node in nodes)
            {
                agents._agents[node] = (system, link, null);
                agents.Start(node);
            }
        }

        return agents;
    }

    public LinkFaults Faults(string node) => _faults[node];

    public void Start(string node)
    {
        var (system, link, agent) = _agents[node];
        if (agent is null)
            _agents[node] = (system, link, system.ActorOf(FaultyLink.Props(node, _hosts, _folders(node), link, _faults[node]), $"{node}-{Guid.NewGuid():N}"));
    }

    public async Task KillAsync(string node)
    {
        var (system, link, agent) = _agents[node];
        if (agent is null)
            return;
        _agents[node] = (system, link, null);
        await agent.GracefulStop(StopPatience);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_systems.Select(s => s.StopAsync()));
        foreach (var system in _systems)
            system.Dispose();
    }
}
