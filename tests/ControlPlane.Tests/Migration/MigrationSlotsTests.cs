using CsCheck;
using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>Who gets a slot, by example and for thousands of queues.</summary>
public sealed class MigrationSlotsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly SlotLimits Limits = new(5, 2, 2, 0);
    private static readonly string?[] Priorities = ["system-critical", "user-triggered", "system-maintenance", null];
    private static readonly string[] Nodes = ["n1", "n2", "n3"];

    private static readonly Gen<QueuedMigration> AnyMigration = Gen.Select(Gen.Int[0, 2], Gen.OneOf<string?>(Priorities), Gen.Int[0, 5], Gen.OneOf<string>(Nodes), Gen.OneOf<string?>(null, "n1", "n2", "n3"), Gen.Long[0, 120], Gen.Int[0, 2],
        (ns, priority, minute, source, target, bandwidth, stage) => new QueuedMigration("", $"ns{ns}", priority, Now.AddMinutes(minute), source, stage == 0 ? null : target, bandwidth, (SlotStage)stage));

    private static readonly Gen<(QueuedMigration[] Queue, SlotLimits Limits)> AnyQueue = Gen.Select(AnyMigration.Array[0, 24],
        Gen.Select(Gen.Long[1, 8], Gen.Long[1, 3], Gen.Long[1, 3], Gen.OneOf<long>(0, 60, 100), (a, b, c, d) => new SlotLimits(a, b, c, d)),
        (queue, limits) => (queue.Select((m, i) => m with { Id = $"m{i}" }).ToArray(), limits));

    [Fact]
    public void The_most_urgent_goes_first_and_then_the_oldest() =>
        Assert.Equal(["drain", "hotplug", "old"], MigrationSlots.Grant([Waiting("new", 3), Waiting("old", 1), Waiting("hotplug", 4, "user-triggered"), Waiting("drain", 5, "system-critical")], Limits with { PerCluster = 3 }).Outbound);

    [Fact]
    public void A_full_source_node_does_not_hold_up_the_others() =>
        Assert.Equal(["d"], MigrationSlots.Grant([Moving("a", "n1"), Moving("b", "n1"), Waiting("c", 1, node: "n1"), Waiting("d", 2, node: "n2")], Limits).Outbound);

    [Fact]
    public void The_cluster_never_has_more_than_its_limit() =>
        Assert.Equal(["c"], MigrationSlots.Grant([Moving("a", "n1"), Waiting("c", 1, node: "n2"), Waiting("d", 2, node: "n3")], Limits with { PerCluster = 2 }).Outbound);

    [Fact]
    public void Of_equals_the_namespace_with_fewer_on_the_way_goes_first() =>
        Assert.Equal(["b1", "a1"], MigrationSlots.Grant([Moving("a0", "n1") with { Namespace = "a" }, Waiting("a1", 1) with { Namespace = "a" }, Waiting("a2", 2) with { Namespace = "a" }, Waiting("b1", 9) with { Namespace = "b" }],
            Limits with { PerCluster = 3 }).Outbound);

    [Fact]
    public void A_target_that_has_all_it_may_take_lets_the_next_one_wait() =>
        Assert.Equal(["c"], MigrationSlots.Grant([Moving("a", "n1", "t1"), Placed("b", "n2", "t1"), Placed("c", "n3", "t2")], Limits with { InboundPerNode = 1 }).Inbound);

    [Fact]
    public void While_it_is_not_known_where_one_goes_it_counts_for_every_target() =>
        Assert.Empty(MigrationSlots.Grant([Moving("a", "n1"), Placed("b", "n2", "t1")], Limits with { InboundPerNode = 1 }).Inbound);

    [Fact]
    public void A_bandwidth_budget_holds_at_both_ends_and_is_divided_among_those_without_a_limit()
    {
        var limits = Limits with { InboundPerNode = 9, BandwidthPerNode = 100 };
        Assert.Equal((50, 30, 100), (limits.Share(0), limits.Share(30), limits.Share(400)));
        Assert.Equal(["a", "b"], MigrationSlots.Grant([Placed("a", "n1", "t1"), Placed("b", "n2", "t1"), Placed("c", "n3", "t1")], limits).Inbound);
    }

    [Fact]
    public void One_that_needs_much_bandwidth_is_not_passed_by_those_that_need_little_for_ever() =>
        Assert.Empty(MigrationSlots.Grant([Moving("a", "n1", "t1") with { Bandwidth = 40 }, Placed("big", "n2", "t1") with { Bandwidth = 80 }, Placed("small", "n3", "t1", 1) with { Bandwidth = 10 }],
            Limits with { InboundPerNode = 9, BandwidthPerNode = 100 }).Inbound);

    [Fact]
    public void Two_nodes_that_send_to_one_another_do_not_wait_for_one_another()
    {
        var limits = Limits with { BandwidthPerNode = 100 };
        var grants = MigrationSlots.Grant([Placed("a", "n1", "n2") with { Bandwidth = 100 }, Placed("b", "n2", "n1") with { Bandwidth = 100 }], limits);
        Assert.Equal(["a"], grants.Inbound);
    }

    [Fact]
    public void No_limit_is_ever_passed_by_a_grant() => AnyQueue.Sample(c =>
    {
        var (queue, limits) = c;
        var grants = MigrationSlots.Grant(queue, limits);
        var after = After(queue, grants);
        if (grants.Outbound.Count > 0)
            Assert.True(after.Count(m => m.Stage is not SlotStage.Waiting) <= limits.PerCluster);
        foreach (var node in queue.Where(m => grants.Outbound.Contains(m.Id)).Select(m => m.SourceNode).Distinct())
            Assert.True(after.Count(m => m.Stage is not SlotStage.Waiting && m.SourceNode == node) <= limits.OutboundPerNode);
        var begun = after.Where(m => m.Stage is SlotStage.Inbound).ToList();
        foreach (var m in queue.Where(m => grants.Inbound.Contains(m.Id)))
        {
            Assert.True(begun.Count(b => b.TargetNode is null || b.TargetNode == m.TargetNode) <= limits.InboundPerNode);
            foreach (var end in new[] { m.SourceNode, m.TargetNode }.Where(_ => limits.BandwidthPerNode > 0))
                Assert.True(begun.Where(b => b.SourceNode == end || b.TargetNode == end).Sum(b => limits.Share(b.Bandwidth)) <= limits.BandwidthPerNode);
        }
    }, iter: 20_000);

    [Fact]
    public void Who_is_not_granted_a_slot_is_kept_from_it_by_a_limit() => AnyQueue.Sample(c =>
    {
        var (queue, limits) = c;
        var after = After(queue, MigrationSlots.Grant(queue, limits with { BandwidthPerNode = 0 }));
        var begun = after.Where(m => m.Stage is not SlotStage.Waiting).ToList();
        var taken = after.Where(m => m.Stage is SlotStage.Inbound).ToList();
        Assert.All(after.Where(m => m.Stage is SlotStage.Waiting), m => Assert.True(begun.Count >= limits.PerCluster || begun.Count(b => b.SourceNode == m.SourceNode) >= limits.OutboundPerNode));
        // Those that were granted their first slot this very moment had no target to ask for.
        Assert.All(after.Where(m => m is { Stage: SlotStage.Outbound, TargetNode: not null }), m => Assert.True(taken.Count(t => t.TargetNode is null || t.TargetNode == m.TargetNode) >= limits.InboundPerNode));
    }, iter: 20_000);

    [Fact]
    public void Neither_the_order_in_which_they_are_told_nor_less_urgent_ones_change_who_goes() => Gen.Select(AnyQueue, Gen.Int).Sample((c, seed) =>
    {
        var (queue, limits) = c;
        var grants = MigrationSlots.Grant(queue, limits);
        var shuffled = queue.ToArray();
        new Random(seed).Shuffle(shuffled);
        Assert.Equal(grants.Outbound, MigrationSlots.Grant(shuffled, limits).Outbound);
        Assert.Equal(grants.Inbound, MigrationSlots.Grant(shuffled, limits).Inbound);
        var urgent = queue.Where(m => m.Stage is SlotStage.Inbound || m.Priority == "system-critical" || (m.Stage is SlotStage.Outbound && m.TargetNode is null)).ToList();
        Assert.Equal(MigrationSlots.Grant(urgent, limits).Inbound, grants.Inbound.Where(id => queue.Single(m => m.Id == id).Priority == "system-critical"));
    }, iter: 10_000);

    [Fact]
    public void Everyone_has_a_turn_however_many_others_come() => Gen.Select(AnyQueue, Gen.Int).Sample((c, seed) =>
    {
        var (queue, limits) = c;
        var random = new Random(seed);
        // Of one priority: a more urgent one may go first as often as it comes.
        var waiting = queue.Select(m => m with { Priority = null, Stage = SlotStage.Waiting, TargetNode = null }).ToList();
        var first = waiting.Select(m => m.Id).ToHashSet();
        for (var round = 0; first.Count > 0; round++)
        {
            Assert.True(round < 400, $"{string.Join(' ', first)} still wait");
            // Kubernetes finds a target, others come, some are done.
            waiting = [.. waiting.Select(m => m is { Stage: SlotStage.Outbound, TargetNode: null } ? m with { TargetNode = Nodes.First(n => n != m.SourceNode) } : m)];
            waiting.AddRange(Enumerable.Range(0, 2).Select(i => new QueuedMigration($"late{round}.{i}", $"ns{random.Next(9)}", null, Now.AddMinutes(10 + round), Nodes[random.Next(3)], null, random.Next(120), SlotStage.Waiting)));
            waiting = After(waiting, MigrationSlots.Grant(waiting, limits));
            first.RemoveWhere(id => waiting.Single(m => m.Id == id).Stage is SlotStage.Inbound);
            waiting.RemoveAll(m => m.Stage is SlotStage.Inbound && !first.Contains(m.Id) && random.Next(2) == 0);
        }
    }, iter: 300);

    [Fact]
    public void The_limits_come_from_the_KubeVirt_object_and_a_wrong_annotation_is_told_and_left()
    {
        var installation = new KubeVirt
        {
            Metadata = new ObjectMeta { Annotations = new Dictionary<string, string> { [SlotLimits.InboundAnnotation] = "many", [SlotLimits.BandwidthAnnotation] = "64Mi" } },
            Spec = new KubeVirtSpec { Configuration = new KubeVirtConfiguration { Migrations = new MigrationConfiguration { ParallelOutboundMigrationsPerNode = 4 } } },
        };
        var (limits, problems) = SlotLimits.Of(installation);
        Assert.Equal(new SlotLimits(5, 4, 4, 64L << 20), limits);
        Assert.Contains("\"many\"", Assert.Single(problems), StringComparison.Ordinal);
        Assert.Equal(new SlotLimits(5, 2, 2, 0), SlotLimits.Of(null).Limits);
    }

    private static List<QueuedMigration> After(IEnumerable<QueuedMigration> queue, SlotGrants grants) =>
        [.. queue.Select(m => m with { Stage = grants.Inbound.Contains(m.Id) ? SlotStage.Inbound : grants.Outbound.Contains(m.Id) ? SlotStage.Outbound : m.Stage })];

    private static QueuedMigration Waiting(string id, int minute, string? priority = null, string? node = null) => new(id, "ns", priority, Now.AddMinutes(minute), node ?? id, null, 0, SlotStage.Waiting);

    private static QueuedMigration Placed(string id, string source, string target, int minute = 0) => new(id, "ns", null, Now.AddMinutes(minute), source, target, 0, SlotStage.Outbound);

    private static QueuedMigration Moving(string id, string source, string? target = null) => new(id, "ns", null, Now, source, target, 0, SlotStage.Inbound);
}
