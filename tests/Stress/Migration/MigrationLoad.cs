using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.Stress.Migration;

/// <summary>Keeps migrations going, gives some of them up, and notes how each ended.</summary>
internal sealed class MigrationLoad(SimulatedCluster cluster, StressOptions options)
{
    private const int PerStep = 20;
    private static readonly TimeSpan WatchPatience = TimeSpan.FromSeconds(10);
    private readonly Random _random = new(options.Seed + 1);
    private readonly Dictionary<string, Under> _under = new(StringComparer.Ordinal);
    private readonly List<MigrationOutcome> _outcomes = [];
    private readonly ConcurrentQueue<string> _drains = new();
    private int _number;

    public IReadOnlyList<MigrationOutcome> Outcomes => _outcomes;

    /// <summary>Migrations whose end has not been seen.</summary>
    public int Unfinished => _under.Count;

    /// <param name="begins">Whether new ones are begun as well.</param>
    public async Task StepAsync(bool begins)
    {
        var now = DateTimeOffset.UtcNow;
        var known = cluster.MigrationCache.Objects;
        foreach (var (name, under) in _under.ToList())
            await FollowAsync(name, under, known.GetValueOrDefault(under.Uid), now);
        if (!begins)
            return;
        while (_drains.TryDequeue(out var node))
            await DrainAsync(node);
        var busy = _under.Values.Select(u => u.Vmi).ToHashSet(StringComparer.Ordinal);
        // Sorted, so that a seed chooses the same ones as long as nothing else differs.
        var idle = cluster.VmiCache.Objects.Values.Where(v => CanMove(v) && !busy.Contains(ObjectCache.Name(v))).OrderBy(ObjectCache.Name, StringComparer.Ordinal).ToList();
        for (var i = 0; i < PerStep && idle.Count > 0 && _under.Count < options.Parallel; i++)
        {
            var chosen = _random.Next(idle.Count);
            await BeginAsync(ObjectCache.Name(idle[chosen]));
            idle.RemoveAt(chosen);
        }
    }

    /// <summary>Empties a node with the next step, as many at a time as the control plane lets go.</summary>
    public void Drain(string node) => _drains.Enqueue(node);

    private async Task DrainAsync(string node)
    {
        var busy = _under.Values.Select(u => u.Vmi).ToHashSet(StringComparer.Ordinal);
        foreach (var vmi in cluster.VmiCache.Objects.Values.Where(v => CanMove(v) && (string?)v["status"]?["nodeName"] == node && !busy.Contains(ObjectCache.Name(v))).ToList())
            await BeginAsync(ObjectCache.Name(vmi));
    }

    /// <summary>What has not ended never will.</summary>
    public void GiveUp()
    {
        foreach (var (name, under) in _under)
            _outcomes.Add(new MigrationOutcome(name, "Unfinished", under.AbortAt is not null, null, DateTimeOffset.UtcNow - under.BegunAt));
    }

    public static bool CanMove(JsonObject vmi) => ObjectCache.Phase(vmi) == "Running" && !ObjectCache.IsDeleting(vmi)
        && vmi["status"]!["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "LiveMigratable" && (string?)c["status"] == "True") is true;

    private async Task BeginAsync(string vmi)
    {
        var name = $"move-{++_number}";
        var abortAt = _random.NextDouble() < options.AbortShare ? (DateTimeOffset?)DateTimeOffset.UtcNow.AddSeconds(_random.NextDouble() * 4) : null;
        try
        {
            var begunAt = DateTimeOffset.UtcNow;
            var created = await cluster.CreateMigrationAsync(name, vmi);
            _under[name] = new Under(ObjectCache.Uid(created), vmi, begunAt, abortAt);
        }
        catch (ApiException)
        {
            // The control plane is down, or the guest has just changed: another time.
        }
    }

    private async Task FollowAsync(string name, Under under, JsonObject? migration, DateTimeOffset now)
    {
        if (migration is null)
        {
            // The watch may be a moment behind its creation; or it came and went, with its VMI, before anybody looked.
            if (under.WasSeen || (now - under.BegunAt > WatchPatience && !await cluster.HasMigrationAsync(name)))
                End(name, under, "Deleted", null, now);
            return;
        }

        under.WasSeen = true;
        var phase = ObjectCache.Phase(migration);
        if (phase is "Succeeded" or "Failed")
        {
            End(name, under, phase, (string?)migration["status"]!["migrationState"]?["failureReason"], now);
            if (!ObjectCache.IsDeleting(migration))
                await cluster.DeleteAsync(SimulatedCluster.Migrations, name);
        }
        else if (under.AbortAt is { } at && now >= at && !ObjectCache.IsDeleting(migration))
        {
            await cluster.DeleteAsync(SimulatedCluster.Migrations, name);
        }
    }

    private void End(string name, Under under, string phase, string? reason, DateTimeOffset now)
    {
        _under.Remove(name);
        _outcomes.Add(new MigrationOutcome(name, phase, under.AbortAt is not null, reason, now - under.BegunAt));
    }

    private sealed record Under(string Uid, string Vmi, DateTimeOffset BegunAt, DateTimeOffset? AbortAt)
    {
        public bool WasSeen { get; set; }
    }
}
