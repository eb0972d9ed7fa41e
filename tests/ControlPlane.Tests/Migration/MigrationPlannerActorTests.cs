using Akka.Actor;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.ControlPlane.Tests.Machines;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>The actor with an API server in memory, which tells it of every change as the feeds would.</summary>
public sealed class MigrationPlannerActorTests : TestKit
{
    private readonly RecordingApi _api = new();
    private readonly IActorRef _actor;

    public MigrationPlannerActorTests()
    {
        var events = new EventRecorder(_api, "test", "host", TimeProvider.System, NullLogger.Instance);
        _actor = Sys.ActorOf(MigrationPlannerActor.Props(_api, events, "launcher:2", TimeProvider.System, NullLogger.Instance));
        _api.Changed += (obj, gone) =>
        {
            object? news = obj switch
            {
                VirtualMachineInstance vmi => News(vmi, gone),
                VirtualMachineInstanceMigration migration => News(migration, gone),
                Node node => News(node, gone),
                KubeVirt installation => News(installation, gone),
                _ => null,
            };
            if (news is not null)
                _actor.Tell(news);
        };
    }

    [Fact]
    public async Task An_eviction_makes_one_migration_and_only_one()
    {
        Begin();
        _api.Put(Guest("vm", evacuates: "node-1"));
        await Eventually(() => Made().Count == 1);
        // Every further news makes it look again.
        _api.Put(Guest("vm", evacuates: "node-1").Annotated("x"));
        _api.Put(Node("node-3"));
        await Eventually(() => Events("SuccessfulCreate").Count == 1);
        Assert.Single(Made());
        Assert.Equal($"Created Migration {Made()[0].Split(' ')[^1]}", Events("SuccessfulCreate")[0].Message);
    }

    [Fact]
    public async Task After_a_failed_evacuation_the_next_one_is_made()
    {
        Begin();
        _api.Put(Guest("vm", evacuates: "node-1"));
        // A write is noted before it is done.
        await Eventually(() => _api.All<VirtualMachineInstanceMigration>().Any());
        var migration = _api.All<VirtualMachineInstanceMigration>().Single();
        _api.Put(migration with { Status = new VirtualMachineInstanceMigrationStatus { Phase = MigrationPhases.Failed } });
        await Eventually(() => Made().Count == 2);
    }

    [Fact]
    public async Task Nothing_is_made_from_half_a_picture()
    {
        _api.Put(Node("node-1"));
        _api.Put(Guest("vm", evacuates: "node-1"));
        _actor.Tell(new FeedEvent<VirtualMachineInstance>.Synced());
        _actor.Tell(new FeedEvent<Node>.Synced());
        _actor.Tell(new FeedEvent<KubeVirt>.Synced());
        // The VMI has a migration already, of which the feed tells last.
        _api.Put(Move("there", "vm", MigrationPhases.Running));
        _actor.Tell(new FeedEvent<VirtualMachineInstanceMigration>.Synced());
        _api.Put(Guest("other", evacuates: "node-1"));
        // A call is on record a moment before what it makes is there.
        await Eventually(() => Made() is [var one] && Find(one) is not null);
        Assert.Equal("other", Find(Assert.Single(Made()))!.Spec!.VmiName);

        VirtualMachineInstanceMigration? Find(string made) => _api.Find<VirtualMachineInstanceMigration>(made.Split(' ')[^1]);
    }

    [Fact]
    public async Task Old_migrations_are_removed_and_orphans_only_when_their_VMI_is_really_gone()
    {
        for (var age = 1; age <= 6; age++)
            _api.Put(Unguarded(Move($"a{age}", "vm", MigrationPhases.Succeeded, age)));
        _api.Put(Unguarded(Move("orphan", "nobody", MigrationPhases.Succeeded)));
        Begin();
        await Eventually(() => _api.Writes.Count(w => w.StartsWith("delete", StringComparison.Ordinal)) >= 2);
        _api.Put(Guest("vm"));
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("a6") is null && _api.Find<VirtualMachineInstanceMigration>("orphan") is null);
    }

    [Fact]
    public async Task Outdated_guests_are_counted_and_moved_after_an_upgrade()
    {
        Begin(new KubeVirtWorkloadUpdateStrategy { WorkloadUpdateMethods = ["LiveMigrate", "Evict"] });
        _api.Put(new Pod { Metadata = new ObjectMeta { Name = "virt-launcher-stuck", Namespace = "ns", Uid = "pod-stuck", Labels = new Dictionary<string, string> { [Labels.CreatedBy] = "uid-stuck" } } });
        _api.Put(Guest("old", image: "launcher:1"));
        _api.Put(Guest("stuck", migratable: "False", image: "launcher:1"));
        await Eventually(() => Made().Count == 1 && _api.Writes.Contains("post api/v1/namespaces/ns/pods/virt-launcher-stuck/eviction"));
        await Eventually(() => _api.Find<KubeVirt>("kubevirt")!.Status?.OutdatedVirtualMachineInstanceWorkloads == 2);
        await Eventually(() => Events("SuccessfulCreate").Any(e => e.Message!.EndsWith(" for automated workload update", StringComparison.Ordinal)));
    }

    private void Begin(KubeVirtWorkloadUpdateStrategy? updates = null)
    {
        _api.Put(Installation(updates: updates));
        _api.Put(Node("node-1"));
        _actor.Tell(new FeedEvent<VirtualMachineInstance>.Synced());
        _actor.Tell(new FeedEvent<VirtualMachineInstanceMigration>.Synced());
        _actor.Tell(new FeedEvent<Node>.Synced());
        _actor.Tell(new FeedEvent<KubeVirt>.Synced());
    }

    private List<string> Made() => [.. _api.Writes.Where(w => w.StartsWith("create VirtualMachineInstanceMigration", StringComparison.Ordinal))];

    private IReadOnlyList<Event> Events(string reason) => [.. _api.All<Event>().Where(e => e.Reason == reason)];

    private static VirtualMachineInstanceMigration Unguarded(VirtualMachineInstanceMigration migration) => migration with { Metadata = migration.Metadata with { Finalizers = null } };

    private static FeedEvent<T> News<T>(T obj, bool gone) where T : KubeObject => gone ? new FeedEvent<T>.Gone(obj) : new FeedEvent<T>.Observed(obj);

    private Task Eventually(Func<bool> holds) => AwaitConditionAsync(() => Task.FromResult(holds()), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
}
