namespace Troupe.ControlPlane.Migration;

/// <summary>A migration that is not over.</summary>
/// <param name="Priority">`spec.priority`: <c>system-critical</c>, <c>user-triggered</c>, <c>system-maintenance</c> or nothing.</param>
/// <param name="IsGranted">It has its slot already.</param>
public sealed record QueuedMigration(string Id, string? Priority, DateTimeOffset CreatedAt, string? SourceNode, bool IsGranted);

/// <summary>
/// Who may begin: as many at once as the cluster and each source node may have, the most urgent first and then the oldest. One whose node is
/// full does not hold up those behind it, and nothing waits for the start of another.
/// </summary>
public static class MigrationSlots
{
    public static IReadOnlyList<string> Grant(IReadOnlyCollection<QueuedMigration> migrations, long perCluster, long perNode)
    {
        var all = migrations.Count(m => m.IsGranted);
        var byNode = migrations.Where(m => m is { IsGranted: true, SourceNode: not null }).GroupBy(m => m.SourceNode!).ToDictionary(g => g.Key, g => (long)g.Count());
        List<string> granted = [];
        foreach (var next in migrations.Where(m => !m.IsGranted).OrderByDescending(m => Urgency(m.Priority)).ThenBy(m => m.CreatedAt).ThenBy(m => m.Id, StringComparer.Ordinal))
        {
            var node = next.SourceNode ?? "";
            if (all + granted.Count >= perCluster)
                break;
            if (byNode.GetValueOrDefault(node) >= perNode)
                continue;
            byNode[node] = byNode.GetValueOrDefault(node) + 1;
            granted.Add(next.Id);
        }

        return granted;
    }

    /// <summary>KubeVirt's weights.</summary>
    private static int Urgency(string? priority) => priority switch
    {
        "system-critical" => 100,
        "user-triggered" => 50,
        "system-maintenance" => 20,
        _ => 0,
    };
}
