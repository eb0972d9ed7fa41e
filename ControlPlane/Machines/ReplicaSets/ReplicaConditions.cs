using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

/// <summary>The conditions of a replica set or a pool: there while something holds, and since when.</summary>
internal static class ReplicaConditions
{
    public static IReadOnlyList<Condition>? Of(IReadOnlyList<Condition> current, Condition? paused, Condition? failure, DateTimeOffset now)
    {
        var list = new[] { paused, failure }.OfType<Condition>().Select(w => current.FirstOrDefault(c => c.Type == w.Type) is { } old
            ? old with { Status = w.Status, Reason = w.Reason, Message = w.Message }
            : w with { LastTransitionTime = now }).ToList();
        return list.Count == 0 ? null : list;
    }
}
