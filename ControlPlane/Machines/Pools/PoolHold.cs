using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>
/// Machines of an opportunistic pool are deleted by its users. Where their disks are to stay, a finalizer holds such a machine until the
/// pool has taken the disks from it; and one holds the pool itself, so that it does not go before it has let its machines go.
/// </summary>
internal static class PoolHold
{
    public static bool IsWanted(VirtualMachinePool pool) => pool.Spec?.ScaleInStrategy?.Opportunistic?.StatePreservation is "Offline" or "Online";

    public static bool Has(KubeObject obj) => obj.Metadata.Finalizers?.Contains(PoolVocabulary.Finalizer) is true;

    public static IReadOnlyList<string> Without(KubeObject obj) => [.. (obj.Metadata.Finalizers ?? []).Where(f => f != PoolVocabulary.Finalizer)];

    public static IEnumerable<PoolEffect> Of(VirtualMachinePool pool, IReadOnlyList<VirtualMachine> members)
    {
        var ending = members.Where(m => m.Metadata.DeletionTimestamp is not null && Has(m)).ToList();
        if (ending.Count > 0)
            yield return new PoolEffect.LetGo(null, ending, IsWanted(pool));
        if (!IsWanted(pool))
            yield break;
        var loose = members.Where(m => m.Metadata.DeletionTimestamp is null && !Has(m)).ToList();
        if (!Has(pool))
            yield return new PoolEffect.Hold(pool, []);
        else if (loose.Count > 0)
            yield return new PoolEffect.Hold(null, loose);
    }

    /// <summary>Of a pool that is being deleted: first its machines are let go, then it.</summary>
    public static IEnumerable<PoolEffect> End(VirtualMachinePool pool, IReadOnlyList<VirtualMachine> members)
    {
        var held = members.Where(Has).ToList();
        if (held.Count > 0)
            yield return new PoolEffect.LetGo(null, held);
        else if (Has(pool))
            yield return new PoolEffect.LetGo(pool, []);
    }
}
