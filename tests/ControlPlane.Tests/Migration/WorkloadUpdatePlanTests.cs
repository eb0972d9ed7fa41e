using CsCheck;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>What becomes of guests in launchers of an older version.</summary>
public sealed class WorkloadUpdatePlanTests
{
    private const string Today = "launcher:2";

    [Fact]
    public void An_outdated_guest_that_can_move_is_moved_and_one_that_cannot_is_evicted()
    {
        var update = Plan([Old("a"), Old("b", "False"), Guest("new")], ["LiveMigrate", "Evict"]);
        var created = Assert.Single(update.Calls.OfType<PlannedCall.Create>());
        Assert.Equal(("a", "kubevirt-workload-update-", "system-critical"), (created.Vmi.Metadata.Name, created.Migration.Metadata.GenerateName, created.Migration.Spec!.Priority));
        Assert.True(created.Migration.Metadata.Annotations!.ContainsKey(Annotations.WorkloadUpdateMigration));
        Assert.Equal("b", Assert.Single(update.Calls.OfType<PlannedCall.Evict>()).Vmi.Metadata.Name);
        Assert.True(update.EvictsBatch);
        Assert.Equal(2, Assert.Single(update.Calls.OfType<PlannedCall.CountOutdated>()).Count);
    }

    [Fact]
    public void Without_a_method_they_are_only_counted() => Assert.IsType<PlannedCall.CountOutdated>(Assert.Single(Plan([Old("a")], []).Calls));

    [Fact]
    public void With_Evict_alone_those_that_could_move_are_evicted_too() => Assert.Single(Plan([Old("a")], ["Evict"]).Calls.OfType<PlannedCall.Evict>());

    [Fact]
    public void No_more_migrations_are_made_than_the_cluster_has_free_slots()
    {
        var running = Enumerable.Range(0, 3).Select(i => Move($"m{i}", $"x{i}", MigrationPhases.Running)).ToList();
        Assert.Equal(2, Plan([.. Many(9)], ["LiveMigrate"], migrations: running).Calls.OfType<PlannedCall.Create>().Count());
    }

    [Fact]
    public void Evictions_come_in_batches_with_a_pause_between()
    {
        var strategy = new KubeVirtWorkloadUpdateStrategy { WorkloadUpdateMethods = ["Evict"], BatchEvictionSize = 3, BatchEvictionInterval = new Duration("2m") };
        Assert.Equal(3, Evictions(null));
        Assert.Equal(0, Evictions(Now.AddSeconds(-119)));
        Assert.Equal(3, Evictions(Now.AddSeconds(-121)));

        int Evictions(DateTimeOffset? last) => WorkloadUpdatePlan.Of(new MigrationWorld([.. Many(9)], [], [], Installation(updates: strategy), Now), Today, last, _ => 0).Calls.OfType<PlannedCall.Evict>().Count();
    }

    [Theory]
    [InlineData("Deploying", "a", "a", false)]
    [InlineData("Deployed", "a", "b", false)]
    [InlineData("Deployed", "a", "a", true)]
    [InlineData(null, null, null, true)]
    public void While_an_operator_rolls_out_nothing_is_done(string? phase, string? observed, string? target, bool acts)
    {
        var installation = Installation(updates: new KubeVirtWorkloadUpdateStrategy { WorkloadUpdateMethods = ["LiveMigrate"] }, status: new KubeVirtStatus { Phase = phase, ObservedDeploymentID = observed, TargetDeploymentID = target });
        Assert.Equal(acts, WorkloadUpdatePlan.Of(new MigrationWorld([Old("a")], [], [], installation, Now), Today, null, _ => 0).Calls.Count > 0);
    }

    [Theory]
    [InlineData("HotVCPUChange", "False")]
    [InlineData("HotMemoryChange", "True")]
    [InlineData("MigrationRequired", "True")]
    [InlineData("VolumesChange", "True")]
    public void A_change_that_only_a_move_brings_is_brought_as_a_users_wish(string condition, string status) =>
        Assert.Equal("user-triggered", Assert.Single(Plan([Guest("a").With(condition, status)], ["LiveMigrate"]).Calls.OfType<PlannedCall.Create>()).Migration.Spec!.Priority);

    [Fact]
    public void A_migration_for_a_change_that_was_taken_back_is_called_off()
    {
        var update = Plan([Guest("a")], ["LiveMigrate"], migrations: [Move("m", "a", MigrationPhases.Running, cause: Annotations.WorkloadUpdateMigration), Move("mine", "a", MigrationPhases.Pending)]);
        Assert.Equal("m", Assert.Single(update.Calls.OfType<PlannedCall.CallOff>()).Migration.Metadata.Name);
    }

    [Fact]
    public void A_guest_on_its_way_is_outdated_but_needs_nothing_more()
    {
        var update = Plan([Old("a")], ["LiveMigrate", "Evict"], migrations: [Move("m", "a", MigrationPhases.Pending, cause: Annotations.WorkloadUpdateMigration)]);
        Assert.Equal(1, Assert.IsType<PlannedCall.CountOutdated>(Assert.Single(update.Calls)).Count);
    }

    [Fact]
    public void Nobody_is_both_moved_and_evicted_and_the_limits_hold() => Gen.Select(
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool).Array[0, 20], Gen.Int[0, 3], Gen.Int[1, 4]).Sample((guests, methods, size) =>
    {
        var vmis = guests.Select((g, i) => Guest($"v{i}", migratable: g.Item1 ? "True" : "False", image: g.Item2 ? "launcher:1" : Today)).ToList();
        var onTheWay = guests.Select((g, i) => (g, i)).Where(x => x.g.Item3).Select(x => Move($"m{x.i}", $"v{x.i}", MigrationPhases.Running)).ToList();
        string[] allowed = [.. new[] { "LiveMigrate", "Evict" }.Where((_, i) => (methods & (1 << i)) != 0)];
        var calls = WorkloadUpdatePlan.Of(new MigrationWorld(vmis, onTheWay, [], Installation(updates: new KubeVirtWorkloadUpdateStrategy { WorkloadUpdateMethods = allowed, BatchEvictionSize = size }), Now), Today, null, v => v.Metadata.Name!.Length).Calls;
        var (moved, evicted) = (calls.OfType<PlannedCall.Create>().Select(c => c.Vmi.Metadata.Name!).ToList(), calls.OfType<PlannedCall.Evict>().Select(c => c.Vmi.Metadata.Name!).ToList());
        Assert.Empty(moved.Intersect(evicted));
        Assert.All(moved.Concat(evicted), name => Assert.True(guests[int.Parse(name[1..])] is { Item2: true, Item3: false }));
        Assert.True(moved.Count <= Math.Max(0, 5 - onTheWay.Count) && evicted.Count <= size);
    }, iter: 3000);

    private static WorkloadUpdate Plan(IReadOnlyCollection<VirtualMachineInstance> vmis, IReadOnlyList<string> methods, IReadOnlyCollection<VirtualMachineInstanceMigration>? migrations = null) =>
        WorkloadUpdatePlan.Of(new MigrationWorld(vmis, migrations ?? [], [], Installation(updates: new KubeVirtWorkloadUpdateStrategy { WorkloadUpdateMethods = methods }), Now), Today, null, _ => 0);

    private static VirtualMachineInstance Old(string name, string migratable = "True") => Guest(name, migratable: migratable, image: "launcher:1");

    private static IEnumerable<VirtualMachineInstance> Many(int count) => Enumerable.Range(0, count).Select(i => Old($"v{i}"));
}
