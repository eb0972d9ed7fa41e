using System.Collections.Concurrent;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>
/// What was let through and isn't stored yet. A count of the store must not forget it, or the next request would find room that is
/// spoken for.
/// </summary>
internal sealed class QuotaReservations(TimeProvider time)
{
    /// <summary>A request that passed admission is stored at once or has failed.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string Quota, string Table, string Name), (IReadOnlyDictionary<string, Amount> Delta, DateTimeOffset Until)> _open = new();

    /// <param name="quota">Uid of the quota.</param>
    /// <param name="table">Of the object.</param>
    /// <param name="name">Of the object, in the quota's namespace.</param>
    /// <param name="delta">What it will use.</param>
    public void Add(string quota, string table, string name, IReadOnlyDictionary<string, Amount> delta) => _open[(quota, table, name)] = (delta, time.GetUtcNow() + Life);

    public void Remove(string quota, string table, string name) => _open.TryRemove((quota, table, name), out _);

    /// <summary>Adds what is still on its way to a count of the given state.</summary>
    public void AddTo(Dictionary<string, Amount> used, StoredObject quota, StoreState state)
    {
        foreach (var (key, reservation) in _open)
        {
            if (key.Quota != quota.Uid)
                continue;
            if (reservation.Until < time.GetUtcNow() || state.Table(key.Table).Find(quota.Namespace, key.Name) is not null)
            {
                _open.TryRemove(KeyValuePair.Create(key, reservation));
                continue;
            }
            foreach (var (name, amount) in reservation.Delta)
            {
                if (used.TryGetValue(name, out var before))
                    used[name] = before + amount;
            }
        }
    }
}
