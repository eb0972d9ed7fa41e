using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Machines.ReplicaSets;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

public sealed record PoolDecision(IReadOnlyList<PoolEffect> Effects, VirtualMachinePoolStatus Status);

/// <summary>A pool as a pure function.</summary>
public static class PoolLifecycle
{
    private const int DefaultFailureThreshold = 3;
    private static readonly TimeSpan DefaultFailingDuration = TimeSpan.FromMinutes(5);

    /// <summary>Words of a machine that does not come up, whatever it is waiting for.</summary>
    private static readonly HashSet<string> Failing = ["CrashLoopBackOff", "ErrorUnschedulable", "DataVolumeError", "ErrorPvcNotFound", "ErrImagePull", "ImagePullBackOff"];

    /// <summary>Null when nothing can be said yet.</summary>
    /// <param name="seed">For choices at random.</param>
    public static PoolDecision? Decide(PoolState state, DateTimeOffset now, int seed)
    {
        if (state.Gone)
            return new([new PoolEffect.Retire()], new VirtualMachinePoolStatus());
        if (state.Pool is not { } pool || !state.Listed)
            return null;
        var (members, strangers) = Split(state.Machines.Values, pool);
        var status = Status(state, pool, members, now);
        // The garbage collector takes the machines of a deleted pool.
        if (pool.Metadata.DeletionTimestamp is not null)
            return new([.. PoolHold.End(pool, members)], status);
        List<PoolEffect> effects = strangers.Count > 0 ? [new PoolEffect.Release(strangers)] : [];
        effects.AddRange(PoolHold.Of(pool, members));
        // No machine is made that would not be held.
        if (pool.Spec?.Paused is true || effects.Any(e => e is PoolEffect.Hold { Pool: not null }))
            return new(effects, status);
        effects.AddRange(Heal(pool, members, now));
        var surplus = members.Count - (pool.Spec?.Replicas ?? 1);
        if (surplus < 0)
            effects.Add(new PoolEffect.Create(FreeIndexes(state, pool, Math.Min(-surplus, ReplicaSetLifecycle.Burst))));
        else if (surplus > 0)
            effects.AddRange(ScaleIn(pool, members, surplus, seed));
        else
            effects.AddRange(PoolUpdates.Decide(state, pool, [.. members.Where(m => m.Metadata.DeletionTimestamp is null)], seed));
        return new(effects, status);
    }

    private static (IReadOnlyList<VirtualMachine> Members, IReadOnlyList<VirtualMachine> Strangers) Split(IEnumerable<VirtualMachine> machines, VirtualMachinePool pool)
    {
        var byMembership = machines.OrderBy(m => m.Metadata.Name, StringComparer.Ordinal).ToLookup(m => LabelSelectors.Matches(pool.Spec?.Selector, m.Metadata.Labels));
        return ([.. byMembership[true]], [.. byMembership[false].Where(m => m.Metadata.DeletionTimestamp is null)]);
    }

    /// <summary>The lowest numbers that no machine of the namespace, as far as is known, has in its name.</summary>
    private static List<int> FreeIndexes(PoolState state, VirtualMachinePool pool, int count)
    {
        var used = state.Machines.Values.Select(m => m.Metadata.Name!).Concat(state.Taken).ToHashSet();
        return [.. Enumerable.Range(0, used.Count + count).Where(i => !used.Contains(PoolMember.Name(pool, i))).Take(count)];
    }

    private static IEnumerable<PoolEffect> ScaleIn(VirtualMachinePool pool, IReadOnlyList<VirtualMachine> members, int surplus, int seed)
    {
        var strategy = pool.Spec?.ScaleInStrategy;
        if (strategy is { Unmanaged: not null } or { Opportunistic: not null })
            return [];
        var staying = members.Where(m => m.Metadata.DeletionTimestamp is null).ToList();
        var count = Math.Min(surplus - (members.Count - staying.Count), ReplicaSetLifecycle.Burst);
        var leaving = PoolSelection.Order(staying, strategy?.Proactive?.SelectionPolicy, seed).Take(Math.Max(0, count)).ToList();
        return leaving.Count == 0 ? [] : [new PoolEffect.Delete(leaving, strategy?.Proactive?.StatePreservation is "Offline" or "Online")];
    }

    /// <summary>Machines that never come up are deleted; scaling makes others in their place.</summary>
    private static IEnumerable<PoolEffect> Heal(VirtualMachinePool pool, IReadOnlyList<VirtualMachine> members, DateTimeOffset now)
    {
        if (pool.Spec?.Autohealing is not { } healing)
            return [];
        var threshold = healing.StartUpFailureThreshold ?? DefaultFailureThreshold;
        var patience = healing.MinFailingToStartDuration?.Value ?? DefaultFailingDuration;
        var failing = members.Where(m => m.Metadata.DeletionTimestamp is null)
            .Select(m => (Machine: m, Left: m.Status?.StartFailure?.ConsecutiveFailCount >= threshold ? TimeSpan.Zero : FailingSince(m) is { } since ? since + patience - now : (TimeSpan?)null)).ToList();
        var lost = failing.Where(f => f.Left <= TimeSpan.Zero).Select(f => f.Machine).ToList();
        var next = failing.Where(f => f.Left > TimeSpan.Zero).Select(f => f.Left!.Value).DefaultIfEmpty().Min();
        return
        [
            .. lost.Count > 0 ? new[] { new PoolEffect.Delete(lost) } : [],
            .. next > TimeSpan.Zero ? new PoolEffect[] { new PoolEffect.LookAgain(next) } : [],
        ];
    }

    private static DateTimeOffset? FailingSince(VirtualMachine machine) => Failing.Contains(machine.Status?.PrintableStatus ?? "")
        ? machine.Status!.Conditions?.FirstOrDefault(c => c is { Type: Conditions.Ready, Status: "False" })?.LastTransitionTime
        : null;

    private static VirtualMachinePoolStatus Status(PoolState state, VirtualMachinePool pool, IReadOnlyList<VirtualMachine> members, DateTimeOffset now) =>
        (pool.Status ?? new VirtualMachinePoolStatus()) with
        {
            Replicas = members.Count,
            ReadyReplicas = members.Count(m => m.Status?.Conditions?.Any(c => c is { Type: Conditions.Ready, Status: "True" }) is true),
            LabelSelector = SelectorText.Of(pool.Spec?.Selector),
            Conditions = ReplicaConditions.Of(pool.Status?.Conditions ?? [],
                pool.Spec?.Paused is true ? new Condition { Type = PoolVocabulary.ReplicaPaused, Status = "True", Reason = PoolVocabulary.SuccessfulPaused, Message = "Pool controller is paused" } : null,
                state.Failure is { } failure ? new Condition { Type = PoolVocabulary.ReplicaFailure, Status = "True", Reason = failure.Reason, Message = failure.Message } : null, now),
        };
}
