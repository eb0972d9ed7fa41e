using CsCheck;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>Which guests leave their node when it is drained.</summary>
public sealed class EvacuationPlanTests
{
    private const string Drain = "kubevirt.io/drain";

    [Fact]
    public void A_guest_whose_eviction_was_asked_for_is_moved_with_priority()
    {
        var migration = Assert.Single(Plan([Guest("a", evacuates: "node-1"), Guest("b")])).Migration;
        Assert.Equal(("a", "ns", "kubevirt-evacuation-", "system-critical"), (migration.Spec!.VmiName, migration.Metadata.Namespace, migration.Metadata.GenerateName, migration.Spec.Priority));
        Assert.Equal("node-1", migration.Metadata.Annotations![Annotations.EvacuationMigration]);
    }

    [Fact]
    public void A_descheduler_is_less_urgent() =>
        Assert.Equal("system-maintenance", Assert.Single(Plan([Guest("a", evacuates: "node-1").Annotated(Annotations.EvictionSource, Annotations.Descheduler)])).Migration.Spec!.Priority);

    [Fact]
    public void All_guests_of_a_node_with_the_drain_taint_are_moved_at_once() =>
        Assert.Equal(["a", "b"], Names(Plan([Guest("a"), Guest("b"), Guest("elsewhere", node: "node-2")], Node("node-1", Drain), Node("node-2"))));

    [Theory]
    [InlineData(Drain, "NoExecute")]
    [InlineData("other", "NoSchedule")]
    public void Any_other_taint_moves_nobody(string key, string effect) => Assert.Empty(Plan([Guest("a")], Node("node-1", key, effect)));

    [Fact]
    public void The_taints_key_can_be_set()
    {
        var world = new MigrationWorld([Guest("a")], [], [Node("node-1", "mine/drain")], Installation(new KubeVirtConfiguration { Migrations = new MigrationConfiguration { NodeDrainTaintKey = "mine/drain" } }), Now);
        Assert.Single(EvacuationPlan.Of(world));
    }

    [Theory]
    [InlineData(EvictionStrategies.LiveMigrate, "True", true)]
    [InlineData(EvictionStrategies.LiveMigrate, "False", false)]
    [InlineData(EvictionStrategies.LiveMigrateIfPossible, "True", true)]
    [InlineData(EvictionStrategies.LiveMigrateIfPossible, "False", false)]
    [InlineData(EvictionStrategies.External, "True", false)]
    [InlineData(EvictionStrategies.None, "True", false)]
    [InlineData(null, "True", false)]
    public void The_strategy_says_who_moves(string? strategy, string migratable, bool moves)
    {
        Assert.Equal(moves, Plan([Guest("a", strategy, evacuates: "node-1", migratable: migratable)]).Count == 1);
        Assert.Equal(moves, Plan([Guest("a", strategy, migratable: migratable)], Node("node-1", Drain)).Count == 1);
    }

    [Fact]
    public void A_guest_without_a_strategy_has_the_clusters()
    {
        var world = new MigrationWorld([Guest("a", null, evacuates: "node-1")], [], [Node("node-1")], Installation(new KubeVirtConfiguration { EvictionStrategy = EvictionStrategies.LiveMigrate }), Now);
        Assert.Single(EvacuationPlan.Of(world));
    }

    public static TheoryData<VirtualMachineInstance> Stayers => new(
        Guest("moved since", node: "node-2", evacuates: "node-1"),
        Guest("on no known node", node: "node-9", evacuates: "node-9"),
        Change("final", s => s with { Phase = VmiPhases.Succeeded }),
        Change("with a rest of an earlier move", s => s with { ActivePods = new Dictionary<string, string> { ["p"] = "node-1", ["q"] = "node-2" } }),
        Change("migrating", s => s with { MigrationState = new VirtualMachineInstanceMigrationState { StartTimestamp = Now.AddSeconds(-1) } }),
        Guest("deleted", evacuates: "node-1") with { Metadata = Guest("deleted").Metadata with { DeletionTimestamp = Now } });

    [Theory]
    [MemberData(nameof(Stayers))]
    public void Who_has_left_is_leaving_or_cannot_go_stays(VirtualMachineInstance vmi) => Assert.Empty(Plan([vmi]));

    [Fact]
    public void An_earlier_move_that_is_over_is_no_obstacle() =>
        Assert.Single(Plan([Change("a", s => s with { MigrationState = new VirtualMachineInstanceMigrationState { StartTimestamp = Now.AddMinutes(-9), EndTimestamp = Now.AddMinutes(-8) } })]));

    [Theory]
    [InlineData(MigrationPhases.Pending, false)]
    [InlineData(MigrationPhases.Running, false)]
    [InlineData(null, false)]
    [InlineData(MigrationPhases.Failed, true)]
    [InlineData(MigrationPhases.Succeeded, true)]
    public void A_guest_that_has_a_migration_already_needs_no_other_until_that_is_over(string? phase, bool moves)
    {
        var world = new MigrationWorld([Guest("a", evacuates: "node-1")], [Move("m", "a", phase)], [Node("node-1")], null, Now);
        Assert.Equal(moves, EvacuationPlan.Of(world).Any());
    }

    [Fact]
    public void Whoever_is_planned_for_may_go_and_nobody_is_planned_for_twice() => Gen.Select(
        Gen.OneOf<string?>(null, "None", "LiveMigrate", "LiveMigrateIfPossible", "External"), Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[0, 2],
        (strategy, migratable, marked, hasMigration, node) => (strategy, migratable, marked, hasMigration, Node: $"node-{node}")).Array[0, 12].Sample(guests =>
    {
        var vmis = guests.Select((g, i) => Guest($"v{i}", g.strategy, g.Node, g.marked ? "node-1" : null, g.migratable ? "True" : "False")).ToList();
        var migrations = guests.Select((g, i) => (g, i)).Where(x => x.g.hasMigration).Select(x => Move($"m{x.i}", $"v{x.i}", MigrationPhases.Running)).ToList();
        var planned = EvacuationPlan.Of(new MigrationWorld(vmis, migrations, [Node("node-0", Drain), Node("node-1")], null, Now)).Cast<PlannedCall.Create>().Select(c => c.Vmi.Metadata.Name!).ToList();
        var expected = guests.Select((g, i) => (g, Name: $"v{i}"))
            .Where(x => x.g is { hasMigration: false, migratable: true } && x.g.strategy?.StartsWith("Live", StringComparison.Ordinal) is true && (x.g.Node == "node-0" || (x.g.Node == "node-1" && x.g.marked)))
            .Select(x => x.Name);
        Assert.Equal(expected, planned);
    }, iter: 5000);

    private static List<PlannedCall.Create> Plan(IReadOnlyCollection<VirtualMachineInstance> vmis, params Messages.Api.Core.Node[] nodes) =>
        [.. EvacuationPlan.Of(new MigrationWorld(vmis, [], nodes.Length > 0 ? nodes : [Node("node-1"), Node("node-2")], null, Now)).Cast<PlannedCall.Create>()];

    private static IEnumerable<string> Names(IEnumerable<PlannedCall.Create> plan) => plan.Select(c => c.Vmi.Metadata.Name!);

    private static VirtualMachineInstance Change(string name, Func<VirtualMachineInstanceStatus, VirtualMachineInstanceStatus> change)
    {
        var vmi = Guest(name, evacuates: "node-1");
        return vmi with { Status = change(vmi.Status!) };
    }
}
