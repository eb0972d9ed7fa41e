namespace Troupe.ControlPlane.Migration;

/// <summary>How far a migration may go.</summary>
public enum SlotStage
{
    /// <summary>It waits for its turn; there is no target pod.</summary>
    Waiting,

    /// <summary>It counts against cluster and source node; Kubernetes looks for a target node.</summary>
    Outbound,

    /// <summary>It counts against the target node as well, and the guest's memory may flow.</summary>
    Inbound,
}

/// <summary>A migration that is not over.</summary>
/// <param name="Priority">`spec.priority`: <c>system-critical</c>, <c>user-triggered</c>, <c>system-maintenance</c> or nothing.</param>
/// <param name="TargetNode">Null until Kubernetes has found one.</param>
/// <param name="Bandwidth">Its own limit in bytes a second; zero: none.</param>
public sealed record QueuedMigration(
    string Id, string Namespace, string? Priority, DateTimeOffset CreatedAt, string? SourceNode, string? TargetNode, long Bandwidth, SlotStage Stage);

/// <param name="Outbound">Ids of those that may look for a target now.</param>
/// <param name="Inbound">Ids of those whose target may take them in now.</param>
public sealed record SlotGrants(IReadOnlyList<string> Outbound, IReadOnlyList<string> Inbound);

/// <summary>
/// Who may begin. In two steps, as the target is Kubernetes' choice: first as many as the cluster and each source node may have, then, once
/// the target is known, as many as it may take in and both ends' bandwidth allows. The most urgent go first; among equals a namespace with
/// fewer on the way, then the oldest. One whose node is full holds up nobody else, and no grant waits for the start of another.
/// </summary>
public static class MigrationSlots
{
    public static SlotGrants Grant(IReadOnlyCollection<QueuedMigration> migrations, SlotLimits limits) => new(GrantOutbound(migrations, limits), GrantInbound(migrations, limits));

    private static List<string> GrantOutbound(IReadOnlyCollection<QueuedMigration> migrations, SlotLimits limits)
    {
        var begun = migrations.Where(m => m.Stage is not SlotStage.Waiting).ToList();
        var fromNode = Count(begun, m => m.SourceNode);
        var turns = new Turns(begun);
        List<string> granted = [];
        foreach (var next in turns.Of(migrations.Where(m => m.Stage is SlotStage.Waiting)))
        {
            if (begun.Count + granted.Count >= limits.PerCluster)
                break;
            var source = next.SourceNode ?? "";
            if (fromNode.GetValueOrDefault(source) >= limits.OutboundPerNode)
                continue;
            fromNode[source] = fromNode.GetValueOrDefault(source) + 1;
            turns.Took(next);
            granted.Add(next.Id);
        }

        return granted;
    }

    private static List<string> GrantInbound(IReadOnlyCollection<QueuedMigration> migrations, SlotLimits limits)
    {
        var flowing = migrations.Where(m => m.Stage is SlotStage.Inbound).ToList();
        // Where a migration goes is not known for a moment after a restart of this side; until then it may be anywhere.
        var astray = flowing.Where(m => m.TargetNode is null).ToList();
        var toNode = Count(flowing, m => m.TargetNode);
        var budget = new Bandwidth(limits, flowing, astray.Sum(m => limits.Share(m.Bandwidth)));
        var turns = new Turns(flowing);
        List<string> granted = [];
        foreach (var next in turns.Of(migrations.Where(m => m is { Stage: SlotStage.Outbound, TargetNode: not null })))
        {
            if (toNode.GetValueOrDefault(next.TargetNode!) + astray.Count >= limits.InboundPerNode || !budget.Take(next))
                continue;
            toNode[next.TargetNode!] = toNode.GetValueOrDefault(next.TargetNode!) + 1;
            turns.Took(next);
            granted.Add(next.Id);
        }

        return granted;
    }

    private static Dictionary<string, long> Count(IEnumerable<QueuedMigration> migrations, Func<QueuedMigration, string?> node) =>
        migrations.GroupBy(m => node(m) ?? "").ToDictionary(g => g.Key, g => (long)g.Count());

    /// <summary>KubeVirt's weights.</summary>
    private static int Urgency(string? priority) => priority switch
    {
        "system-critical" => 100,
        "user-triggered" => 50,
        "system-maintenance" => 20,
        _ => 0,
    };

    /// <summary>The order in which migrations are looked at; who was granted something changes it for those after.</summary>
    private sealed class Turns(IEnumerable<QueuedMigration> onTheWay)
    {
        private readonly Dictionary<string, long> _onTheWay = Count(onTheWay, m => m.Namespace);

        public void Took(QueuedMigration migration) => _onTheWay[migration.Namespace] = _onTheWay.GetValueOrDefault(migration.Namespace) + 1;

        public IEnumerable<QueuedMigration> Of(IEnumerable<QueuedMigration> waiting)
        {
            foreach (var equals in waiting.GroupBy(m => Urgency(m.Priority)).OrderByDescending(g => g.Key))
            {
                PriorityQueue<Queue<QueuedMigration>, (long OnTheWay, DateTimeOffset CreatedAt, string Id)> heads = new();
                foreach (var ns in equals.GroupBy(m => m.Namespace))
                    Line(heads, new(ns.OrderBy(m => m.CreatedAt).ThenBy(m => m.Id, StringComparer.Ordinal)));
                while (heads.TryDequeue(out var line, out _))
                {
                    yield return line.Dequeue();
                    Line(heads, line);
                }
            }
        }

        private void Line(PriorityQueue<Queue<QueuedMigration>, (long OnTheWay, DateTimeOffset CreatedAt, string Id)> heads, Queue<QueuedMigration> line)
        {
            if (line.TryPeek(out var head))
                heads.Enqueue(line, (_onTheWay.GetValueOrDefault(head.Namespace), head.CreatedAt, head.Id));
        }
    }

    /// <summary>What each node's budget still has. Whoever does not fit keeps those behind it from taking the rest, or it might wait for ever.</summary>
    private sealed class Bandwidth
    {
        private readonly SlotLimits _limits;
        private readonly Dictionary<string, long> _used = [];
        private readonly long _everywhere;

        public Bandwidth(SlotLimits limits, IEnumerable<QueuedMigration> flowing, long everywhere)
        {
            (_limits, _everywhere) = (limits, everywhere);
            foreach (var (node, share) in flowing.SelectMany(m => Ends(m).Select(node => (node, limits.Share(m.Bandwidth)))))
                _used[node] = _used.GetValueOrDefault(node) + share;
        }

        public bool Take(QueuedMigration migration)
        {
            if (_limits.BandwidthPerNode <= 0)
                return true;
            var share = _limits.Share(migration.Bandwidth);
            var full = Ends(migration).Where(n => _used.GetValueOrDefault(n) + _everywhere + share > _limits.BandwidthPerNode).ToList();
            foreach (var node in full)
                _used[node] = _limits.BandwidthPerNode;
            if (full.Count > 0)
                return false;
            foreach (var node in Ends(migration))
                _used[node] = _used.GetValueOrDefault(node) + share;
            return true;
        }

        private static IEnumerable<string> Ends(QueuedMigration m) => new[] { m.SourceNode, m.TargetNode }.OfType<string>().Distinct();
    }
}
