using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Tools.Client;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Hosting;
using Troupe.Kubernetes.Remoting;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Networking;
using Troupe.NodeActors.Streams;
using Troupe.NodeActors.Volumes;

namespace Troupe.NodeActors.Hosting;

public static class AkkaConfiguration
{
    public const string SystemName = "troupe-node";
    private const string ControlPlaneSystem = "troupe";

    public static AkkaConfigurationBuilder WithNodeAgent(this AkkaConfigurationBuilder builder, NodeAgentOptions options) => builder
        .WithAgentRemoting(options.Remoting)
        .WithActors((system, registry, services) =>
        {
            var pods = new PodFolders(options.KubeletRoot);
            var domains = new DomainActorServices(
                options.Node, Guid.NewGuid().ToString("N"), UseEmulation: !File.Exists("/dev/kvm"), new LauncherConnector(pods), new PodNetworking(), new PodVolumes(pods),
                StartLink(system, options.Remoting, options.ContactPoints), services.GetService<TimeProvider>(), services.GetService<ILoggerFactory>().CreateLogger<NodeActor>())
            {
                Probes = new NodeProbes(Path.Combine(options.State, "emulator-probes.json")),
                VsockTrust = services.GetService<IVsockTrust>(),
            };
            registry.Register<NodeActor>(system.ActorOf(NodeActor.Props(domains, pods), "node"));
        });

    /// <summary>What an actor system needs in which agents live.</summary>
    public static AkkaConfigurationBuilder WithAgentRemoting(this AkkaConfigurationBuilder builder, RemotingOptions remoting) => builder
        .WithWireSerialization()
        .WithTroupeRemoting(remoting)
        .AddHocon("""
            akka.cluster.client {
              establishing-get-contacts-interval = 500ms
              refresh-contacts-interval = 10s
              heartbeat-interval = 1s
              acceptable-heartbeat-pause = 5s
              # What could not be sent is repeated by its sender anyway.
              buffer-size = 1000
            }
            """, HoconAddMode.Prepend)
        // They live in Akka.Cluster.Tools, which a remoting-only system does not load by itself; serializers must be known from the start.
        .AddHocon(ClusterClientReceptionist.DefaultConfig().WithFallback(DistributedPubSub.DefaultConfig()), HoconAddMode.Append)
        .ConfigureLoggers(loggers =>
        {
            loggers.ClearLoggers();
            loggers.AddLoggerFactory();
        });

    /// <summary>The way to the control plane, for all agents of the actor system.</summary>
    /// <param name="contactPoints">As in <see cref="NodeAgentOptions"/>.</param>
    public static IActorRef StartLink(ActorSystem system, RemotingOptions remoting, IReadOnlyList<string> contactPoints)
    {
        // Its defaults live in Akka.Cluster.Tools, which a remoting-only system does not load by itself.
        system.Settings.InjectTopLevelFallback(ClusterClientReceptionist.DefaultConfig());
        var contacts = contactPoints.Select(c => ActorPath.Parse($"{remoting.Address(c, ControlPlaneSystem)}/system/receptionist")).ToImmutableHashSet();
        var client = system.ActorOf(ClusterClient.Props(ClusterClientSettings.Create(system).WithInitialContacts(contacts)), "control-plane-client");
        return system.ActorOf(ControlPlaneLink.Props(client), "control-plane");
    }
}
