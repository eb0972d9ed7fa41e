using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Client;
using Akka.Hosting;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Machines;
using Troupe.ControlPlane.Machines.Pools;
using Troupe.ControlPlane.Machines.ReplicaSets;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.ControlPlane.Nodes;
using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Protocol.Machines;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Hosting;

/// <summary>The actors of the control plane and where they live.</summary>
public static class TroupeActors
{
    // For ever: a change would send entities to other shards while old members still run.
    private const int Shards = 100;

    public static AkkaConfigurationBuilder WithNodeLinks(this AkkaConfigurationBuilder builder, TimeProvider time, ILoggerFactory logs) => builder
        .WithShardRegion<NodeLinkActor>("node", node => NodeLinkActor.Props(node, time, logs.CreateLogger<NodeLinkActor>()), new NodeExtractor(), Options())
        .WithActors((system, registry) => ClusterClientReceptionist.Get(system).RegisterService(registry.Get<NodeLinkActor>()));

    public static AkkaConfigurationBuilder WithVmis(this AkkaConfigurationBuilder builder, IKubeClient kubernetes, EventRecorder events, Func<LauncherPodOptions> pods, TimeProvider time, ILoggerFactory logs)
    {
        var gate = new CallGate();
        return builder
            .WithShardRegion<VmiActor>("vmi",
                (_, registry, _) => uid => VmiActor.Props(uid, new VmiActorServices(kubernetes, events, registry.Get<NodeLinkActor>(), registry.Get<FeedsActor>(), pods, time, logs.CreateLogger<VmiActor>()) { Gate = gate }),
                new VmiExtractor(), Options())
            .WithActors((system, registry) => ClusterClientReceptionist.Get(system).RegisterService(registry.Get<VmiActor>()));
    }

    public static AkkaConfigurationBuilder WithMachines(this AkkaConfigurationBuilder builder, IKubeClient kubernetes, EventRecorder events, TimeProvider time, ILoggerFactory logs)
    {
        var settings = new MachineSettings();
        var services = new MachineActorServices(kubernetes, events, () => settings.Current, time, logs.CreateLogger<MachineActor>());
        return builder
            .WithShardRegion<MachineActor>("vm", uid => MachineActor.Props(uid, services), new MachineExtractor(), Options())
            .WithShardRegion<ReplicaSetActor>("vmirs", uid => ReplicaSetActor.Props(uid, services), new ReplicaSetExtractor(), Options())
            .WithShardRegion<PoolActor>("vmpool", uid => PoolActor.Props(uid, services), new PoolExtractor(), Options())
            .WithActors((system, _) => settings.Follow(system, kubernetes, time, services.Log));
    }

    public static AkkaConfigurationBuilder WithFeeds(this AkkaConfigurationBuilder builder, IKubeClient kubernetes, EventRecorder events, string launcherImage, TimeProvider time, ILoggerFactory logs) => builder
        .WithSingleton<FeedsActor>("feeds", (_, registry, _) => FeedsActor.Props(kubernetes, registry.Get<VmiActor>(), registry.Get<MachineActor>(), registry.Get<ReplicaSetActor>(), registry.Get<PoolActor>(),
                MigrationPlannerActor.Props(kubernetes, events, launcherImage, time, logs.CreateLogger<MigrationPlannerActor>()), time, logs.CreateLogger<FeedsActor>()),
            new ClusterSingletonOptions { Role = AkkaConfiguration.Role });

    public static AkkaConfigurationBuilder WithMigrations(this AkkaConfigurationBuilder builder, IKubeClient kubernetes, EventRecorder events, TimeProvider time, ILoggerFactory logs) => builder
        .WithSingleton<MigrationsActor>("migrations", (_, registry, _) => MigrationsActor.Props(kubernetes, events, registry.Get<VmiActor>(), time, logs.CreateLogger<MigrationsActor>()),
            new ClusterSingletonOptions { Role = AkkaConfiguration.Role }, createProxyToo: false);

    /// <summary>Nothing remembers entities: Kubernetes is the list of VMIs, and the feed wakes them.</summary>
    private static ShardOptions Options() => new()
    {
        Role = AkkaConfiguration.Role,
        StateStoreMode = StateStoreMode.DData,
        RememberEntities = false,
        ShouldPassivateIdleEntities = false,
    };

    private sealed class VmiExtractor() : HashCodeMessageExtractor(Shards)
    {
        public override string? EntityId(object message) => (message as IVmiMessage)?.VmiUid;
    }

    private sealed class MachineExtractor() : HashCodeMessageExtractor(Shards)
    {
        public override string? EntityId(object message) => (message as IMachineMessage)?.MachineUid;
    }

    private sealed class ReplicaSetExtractor() : HashCodeMessageExtractor(Shards)
    {
        public override string? EntityId(object message) => (message as IReplicaSetMessage)?.ReplicaSetUid;
    }

    private sealed class PoolExtractor() : HashCodeMessageExtractor(Shards)
    {
        public override string? EntityId(object message) => (message as IPoolMessage)?.PoolUid;
    }

    private sealed class NodeExtractor() : HashCodeMessageExtractor(Shards)
    {
        public override string? EntityId(object message) => (message as INodeMessage)?.Node;
    }
}
