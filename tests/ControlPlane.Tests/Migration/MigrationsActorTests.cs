using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Tests.Machines;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Migration;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>The actor behind migration objects, with an API server in memory and the VMIs' actors played by the test.</summary>
public sealed class MigrationsActorTests : TestKit
{
    private readonly RecordingApi _api = new();
    private readonly TestProbe _vmis;

    public MigrationsActorTests() => _vmis = CreateTestProbe();

    [Fact]
    public async Task A_migration_looks_for_its_target_first_and_goes_on_when_the_target_may_take_it_in()
    {
        Start(new Dictionary<string, string> { [SlotLimits.InboundAnnotation] = "1" });
        await PutAsync("a");
        await PutAsync("b");
        await WishAsync("a", held: true);
        await WishAsync("b", held: true);

        Tell("a", MigrationPhases.Scheduling, "node-2");
        await WishAsync("a", held: false);
        Tell("b", MigrationPhases.Scheduling, "node-2");
        await Eventually(() => Phase("b") == MigrationPhases.Scheduling);
        Assert.True((await _vmis.FishForMessageAsync<MigrateVmi>(w => w.MigrationId == "uid-b", TimeSpan.FromSeconds(20))).Held);

        Tell("a", MigrationPhases.Succeeded, "node-2");
        await WishAsync("b", held: false);
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("a")!.Metadata.Finalizers is not { Count: > 0 });
        await Eventually(() => _api.All<Event>().Any(e => e is { Reason: "SuccessfulMigration", InvolvedObject.Kind: "VirtualMachineInstanceMigration" }));
    }

    [Fact]
    public async Task More_than_a_source_may_send_wait_in_Pending()
    {
        Start();
        foreach (var name in new[] { "a", "b", "c" })
            await PutAsync(name);
        await WishAsync("a", held: true);
        await WishAsync("b", held: true);
        await Eventually(() => Phase("c") == MigrationPhases.Pending);
        Tell("a", MigrationPhases.Failed, null, "Migration failed because target pod shutdown during migration");
        await WishAsync("c", held: true);
        await Eventually(() => _api.All<Event>().Any(e => e is { Reason: "FailedMigration", Message: "Migration failed because target pod shutdown during migration" }));
    }

    [Fact]
    public async Task One_that_the_quota_refuses_says_so_and_holds_up_nobody()
    {
        Start();
        foreach (var name in new[] { "a", "b", "c" })
            await PutAsync(name);
        await WishAsync("b", held: true);
        await Eventually(() => Phase("c") == MigrationPhases.Pending);
        Tell("a", MigrationPhases.Pending, null, "pods \"virt-launcher-a\" is forbidden: exceeded quota: small");
        await WishAsync("c", held: true);
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("a")!.Status!.Conditions?.Any(c => c.Type == "migrationRejectedByResourceQuota") is true);
    }

    [Fact]
    public async Task An_evacuation_that_failed_a_moment_ago_waits_and_its_VMI_says_why()
    {
        Start();
        _api.Put(Guest("vm"));
        _api.Put(Move("before", "vm", MigrationPhases.Failed, 1, Annotations.EvacuationMigration, TimeProvider.System.GetUtcNow()));
        _api.Put(Move("next", "vm", cause: Annotations.EvacuationMigration));
        await Eventually(() => _api.All<Event>().Any(e => e is { Reason: "MigrationBackoff", Message: "backoff migrating vmi ns/vm", InvolvedObject.Kind: "VirtualMachineInstance" }));
        await Eventually(() => Phase("next") == MigrationPhases.Pending);
        Assert.False(_vmis.HasMessages);
    }

    [Fact]
    public async Task One_that_is_deleted_while_it_waits_ends_at_once()
    {
        Start();
        foreach (var name in new[] { "a", "b", "c" })
            await PutAsync(name);
        await Eventually(() => Phase("c") == MigrationPhases.Pending);
        await _api.DeleteAsync<VirtualMachineInstanceMigration>("ns", "c");
        await _vmis.FishForMessageAsync<MigrateVmi>(w => w is { MigrationId: "uid-c", Cancel: true }, TimeSpan.FromSeconds(20));
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("c")!.Status!.Conditions?.Any(c => c.Type == "migrationAbortRequested") is true);
        Tell("c", MigrationPhases.Failed, null, "Migration failed due to being canceled");
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("c") is null);
    }

    [Fact]
    public async Task A_short_migration_costs_one_status_and_the_removal_of_its_finalizer_and_tells_its_steps_with_their_times()
    {
        Start(writeDelay: TimeSpan.FromMinutes(5));
        _api.Put(Guest("a"));
        _api.Put(Move("a", "a") with { Metadata = Move("a", "a").Metadata with { Finalizers = [MigrationsActor.Finalizer] } });
        await WishAsync("a", held: true);
        foreach (var phase in new[] { MigrationPhases.Scheduling, MigrationPhases.Scheduled, MigrationPhases.PreparingTarget, MigrationPhases.TargetReady, MigrationPhases.Running, MigrationPhases.Succeeded })
            Tell("a", phase, "node-2");
        await Eventually(() => _api.Find<VirtualMachineInstanceMigration>("a")!.Metadata.Finalizers is not { Count: > 0 });
        Assert.Equal(["patch VirtualMachineInstanceMigration/status a", "patch VirtualMachineInstanceMigration a"], _api.Writes.Where(w => w.Contains("VirtualMachineInstanceMigration", StringComparison.Ordinal)));
        Assert.Equal(7, _api.Find<VirtualMachineInstanceMigration>("a")!.Status!.PhaseTransitionTimestamps!.Count);
        await Eventually(() => _api.All<Event>().Select(e => e.Reason).Intersect(["SuccessfulCreate", "SuccessfulHandOver", "SuccessfulMigration"]).Count() == 3);
    }

    private IActorRef _actor = ActorRefs.Nobody;

    private void Start(Dictionary<string, string>? annotations = null, TimeSpan? writeDelay = null)
    {
        var installation = Installation();
        _api.Put(installation with { Metadata = installation.Metadata with { Annotations = annotations } });
        var events = new EventRecorder(_api, "test", "host", TimeProvider.System, NullLogger.Instance);
        _actor = Sys.ActorOf(MigrationsActor.Props(_api, events, _vmis, TimeProvider.System, NullLogger.Instance, writeDelay ?? TimeSpan.FromMilliseconds(50)));
    }

    /// <summary>A migration of a VMI of its own name, of which the actor knows before the next is put.</summary>
    private async Task PutAsync(string name)
    {
        _api.Put(Guest(name));
        _api.Put(Move(name, name, age: 'z' - name[0]));
        await Eventually(() => Phase(name) is not null);
    }

    private async Task WishAsync(string name, bool held) => await _vmis.FishForMessageAsync<MigrateVmi>(w => w.MigrationId == $"uid-{name}" && w.Held == held, TimeSpan.FromSeconds(20));

    private void Tell(string name, string phase, string? target, string? message = null) => _actor.Tell(new MigrationNews($"uid-{name}", $"uid-{name}", phase, null, message, target, $"pod-{name}"));

    private string? Phase(string name) => _api.Find<VirtualMachineInstanceMigration>(name)?.Status?.Phase;

    private Task Eventually(Func<bool> holds) => AwaitConditionAsync(() => Task.FromResult(holds()), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
}
