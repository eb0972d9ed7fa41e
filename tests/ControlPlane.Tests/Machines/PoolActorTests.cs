using Akka.Actor;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Machines.Pools;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Protocol.Machines;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

/// <summary>The pool's actor with an API server in memory, which tells it of every change as the feed would.</summary>
public sealed class PoolActorTests : TestKit
{
    private static readonly Dictionary<string, string> App = new() { ["app"] = "web" };
    private readonly RecordingApi _api = new();
    private readonly EventRecorder _events;
    private readonly IActorRef _actor;

    public PoolActorTests()
    {
        _events = new EventRecorder(_api, "test", "host", TimeProvider.System, NullLogger.Instance);
        _actor = Sys.ActorOf(PoolActor.Props("pool-1", new MachineActorServices(_api, _events, () => new MachineConfig(), TimeProvider.System, NullLogger.Instance)));
        _api.Changed += (obj, gone) =>
        {
            object? news = (obj, gone) switch
            {
                (VirtualMachinePool, true) => new PoolGone("pool-1"),
                (VirtualMachinePool pool, false) => new PoolObserved("pool-1", pool),
                (VirtualMachine machine, true) => new PoolMachineGone("pool-1", machine.Metadata.Uid!),
                (VirtualMachine machine, false) when machine.Metadata.OwnerReferences?.Any(o => o.Uid == "pool-1") is true => new PoolMachineObserved("pool-1", machine),
                _ => null,
            };
            if (news is not null)
                _actor.Tell(news);
        };
    }

    [Fact]
    public async Task Machines_are_made_with_the_pools_revision_and_a_strangers_name_is_passed_over()
    {
        _api.Put(new VirtualMachine { Metadata = new ObjectMeta { Name = "web-0", Namespace = "n", Uid = "stranger" }, Spec = new VirtualMachineSpec() });
        _api.Put(Pool(2));
        _actor.Tell(new PoolListed("pool-1"));

        await Eventually(() => _api.Find<VirtualMachine>("web-2") is not null && Status()?.Replicas == 2);
        var made = _api.Find<VirtualMachine>("web-1")!;
        Assert.Equal("web-1", made.Metadata.Labels![PoolVocabulary.RevisionLabel]);
        Assert.Equal("pool-1", Assert.Single(made.Metadata.OwnerReferences!).Uid);
        Assert.NotNull(_api.Find<ControllerRevision>("web-1"));
        Assert.Null(_api.Find<VirtualMachine>("web-0")!.Metadata.OwnerReferences);
        Assert.Equal("app=web", Status()!.LabelSelector);
    }

    [Fact]
    public async Task A_smaller_pool_deletes_by_its_policy_and_a_new_template_reaches_the_machines_that_stay()
    {
        _api.Put(Pool(3));
        _actor.Tell(new PoolListed("pool-1"));
        await Eventually(() => Status()?.Replicas == 3);

        var smaller = Pool(1);
        _api.Put(smaller with
        {
            Metadata = smaller.Metadata with { Generation = 2 },
            Spec = smaller.Spec! with
            {
                ScaleInStrategy = new VirtualMachinePoolScaleInStrategy { Proactive = new VirtualMachinePoolProactiveScaleInStrategy { SelectionPolicy = new VirtualMachinePoolSelectionPolicy { SortPolicy = "DescendingOrder" } } },
                VirtualMachineTemplate = smaller.Spec.VirtualMachineTemplate! with { Spec = smaller.Spec.VirtualMachineTemplate.Spec! with { RunStrategy = "Manual" } },
            },
        });
        await Eventually(() => _api.Find<VirtualMachine>("web-1") is null && _api.Find<VirtualMachine>("web-2") is null);
        await Eventually(() => _api.Find<VirtualMachine>("web-0") is { Spec.RunStrategy: "Manual" } kept && kept.Metadata.Labels![PoolVocabulary.RevisionLabel] == "web-2");
        await Eventually(() => _api.Find<ControllerRevision>("web-1") is null);
    }

    [Fact]
    public async Task A_user_who_deletes_a_machine_of_an_opportunistic_pool_leaves_its_disks_and_a_deleted_pool_holds_nothing()
    {
        var pool = Pool(1);
        pool = pool with { Spec = pool.Spec! with { ScaleInStrategy = new VirtualMachinePoolScaleInStrategy { Opportunistic = new VirtualMachinePoolOpportunisticScaleInStrategy { StatePreservation = "Offline" } } } };
        _api.Put(pool);
        _actor.Tell(new PoolListed("pool-1"));
        await Eventually(() => Held(_api.Find<VirtualMachine>("web-0")) && Held(_api.Find<VirtualMachinePool>("web")));
        var machine = _api.Find<VirtualMachine>("web-0")!;
        _api.Put(new PersistentVolumeClaim { Metadata = new ObjectMeta { Name = "data", Namespace = "n", Uid = "claim", OwnerReferences = [InstanceBuilder.Owner(machine)] } });
        _api.Put(machine with
        {
            Metadata = machine.Metadata with { DeletionTimestamp = TimeProvider.System.GetUtcNow() },
            Spec = machine.Spec! with { Template = new VirtualMachineInstanceTemplateSpec { Spec = new VirtualMachineInstanceSpec { Volumes = [new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "data" } }] } } },
        });
        // Another takes its place.
        await Eventually(() => _api.Find<VirtualMachine>("web-0")?.Metadata.Uid != machine.Metadata.Uid);
        Assert.Empty(_api.Find<PersistentVolumeClaim>("data")!.Metadata.OwnerReferences ?? []);

        _api.Put(machine with { Metadata = machine.Metadata with { Name = "web-1", Uid = "other" } });
        await Eventually(() => Held(_api.Find<VirtualMachine>("web-1")));
        var known = _api.Find<VirtualMachinePool>("web")!;
        _api.Put(known with { Metadata = known.Metadata with { DeletionTimestamp = TimeProvider.System.GetUtcNow() } });
        await Eventually(() => !Held(_api.Find<VirtualMachine>("web-1")) && !Held(_api.Find<VirtualMachinePool>("web")));

        static bool Held(KubeObject? obj) => obj?.Metadata.Finalizers?.Contains(PoolVocabulary.Finalizer) is true;
    }

    [Fact]
    public async Task Disks_outlive_a_machine_whose_state_is_to_be_preserved()
    {
        _api.Put(Pool(1, "Offline"));
        _actor.Tell(new PoolListed("pool-1"));
        await Eventually(() => _api.Find<VirtualMachine>("web-0") is not null);
        var machine = _api.Find<VirtualMachine>("web-0")!;
        _api.Put(new PersistentVolumeClaim { Metadata = new ObjectMeta { Name = "data", Namespace = "n", Uid = "claim", OwnerReferences = [InstanceBuilder.Owner(machine)] } });

        _api.Put(Pool(0, "Offline"));

        await Eventually(() => _api.Find<VirtualMachine>("web-0") is null);
        Assert.Empty(_api.Find<PersistentVolumeClaim>("data")!.Metadata.OwnerReferences ?? []);
    }

    private VirtualMachinePoolStatus? Status() => _api.Find<VirtualMachinePool>("web")?.Status;

    private static VirtualMachinePool Pool(int replicas, string? preserve = null) => new()
    {
        Metadata = new ObjectMeta { Name = "web", Namespace = "n", Uid = "pool-1", Generation = 1 },
        Spec = new VirtualMachinePoolSpec
        {
            Replicas = replicas,
            Selector = new LabelSelector { MatchLabels = App },
            ScaleInStrategy = preserve is null ? null : new VirtualMachinePoolScaleInStrategy { Proactive = new VirtualMachinePoolProactiveScaleInStrategy { StatePreservation = preserve } },
            VirtualMachineTemplate = new VirtualMachineTemplateSpec
            {
                Metadata = new ObjectMeta { Labels = App },
                Spec = new VirtualMachineSpec
                {
                    RunStrategy = "Always",
                    Template = new VirtualMachineInstanceTemplateSpec
                    {
                        Spec = Spec() with { Volumes = [new Volume { Name = "root", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "data" } }] },
                    },
                },
            },
        },
    };

    private Task Eventually(Func<bool> condition) => AwaitConditionAsync(() => Task.FromResult(condition()), TimeSpan.FromSeconds(15));

    protected override void AfterAll()
    {
        _events.DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.AfterAll();
    }
}
