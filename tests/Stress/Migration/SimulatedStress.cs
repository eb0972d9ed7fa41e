using System.Diagnostics;
using Troupe.EndToEnd.Harness;
using Troupe.Stress.Simulation;

namespace Troupe.Stress.Migration;

/// <summary>Thousands of simulated guests under the real control plane, moved about while things break.</summary>
public sealed class SimulatedStress(StressOptions options, Action<string> say)
{
    private const int CreatorsAtOnce = 32;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(15);

    /// <summary>Guests of every temper: some write nothing, some more than the link carries.</summary>
    private static readonly long[] DirtyRates = [0, 10L << 20, 100L << 20, 400L << 20, 2L << 30];
    private readonly Random _random = new(options.Seed);
    private readonly HashSet<string> _deleted = new(StringComparer.Ordinal);
    private int _number;

    public SimulationTiming Timing { get; init; } = new();

    public async Task<StressReport> RunAsync()
    {
        var (startedAt, took) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        await using var cluster = await SimulatedCluster.StartAsync(options, Timing, say);
        say($"creating {options.Guests} VMIs on {options.Nodes} nodes");
        await CreateAsync(cluster, options.Guests);
        await UntilAsync(StartPatience, () => cluster.VmiCache.Objects.Values.Count(MigrationLoad.CanMove) is var running && running >= options.Guests ? [] : [$"{running} of {options.Guests} guests run"]);
        say($"all run after {took.Elapsed.TotalSeconds:0} s; migrating for {options.Duration.TotalMinutes:0.#} min");

        var load = new MigrationLoad(cluster, options);
        var faults = new FaultInjector(cluster, load, FaultPlan.Of(options));
        using var stop = new CancellationTokenSource();
        var breaking = faults.RunAsync(stop.Token);
        var written = await cluster.WritesAsync();
        var (cpu, others) = (cluster.ControlPlane.Cpu, Environment.CpuUsage.TotalTime);
        var running = Stopwatch.StartNew();
        var said = TimeSpan.Zero;
        while (running.Elapsed < options.Duration)
        {
            await load.StepAsync(begins: true);
            Replace(cluster);
            if (running.Elapsed - said > TimeSpan.FromSeconds(15))
            {
                said = running.Elapsed;
                say($"{said.TotalSeconds:0} s: {load.Outcomes.Count} migrations ended, {load.Unfinished} under way, {faults.Done.Values.Sum()} faults, {cluster.Hosts.Ledger.Violations.Count} violations");
            }

            await Task.Delay(Step);
        }

        (cpu, others) = (cluster.ControlPlane.Cpu - cpu, Environment.CpuUsage.TotalTime - others);
        say("mending everything and waiting for rest");
        await stop.CancelAsync();
        await breaking;
        var unrest = await UntilAsync(options.Settle, async () =>
        {
            await load.StepAsync(begins: false);
            return Unrest.Of(cluster);
        });
        load.GiveUp();
        var moves = Math.Max(1, load.Outcomes.Count);
        var writes = ApiTraffic.Difference(written, await cluster.WritesAsync()).ToDictionary(w => w.Key, w => w.Value / moves);
        var unled = Unrest.LostSessions(cluster);
        say("deleting all guests");
        var left = await DeleteAllAsync(cluster);
        return Report(cluster, load, faults, startedAt, took.Elapsed, unled.Count, [.. unrest, .. unled, .. left]) with
        {
            WritesPerMigration = writes,
            ControlPlaneCpuMs = cpu.TotalMilliseconds / moves,
            OthersCpuMs = others.TotalMilliseconds / moves,
            ControlPlanePeakMiB = cluster.ControlPlane.PeakBytes / 1048576.0,
        };
    }

    private StressReport Report(SimulatedCluster cluster, MigrationLoad load, FaultInjector faults, DateTimeOffset startedAt, TimeSpan took, int unled, IReadOnlyList<string> leaks)
    {
        var ledger = cluster.Hosts.Ledger;
        return new StressReport(
            "simulated", options, startedAt, took, StressReport.Count(load.Outcomes.Select(o => o.Aborted ? $"{o.Phase} (given up)" : o.Phase)),
            StressReport.Count(load.Outcomes.Where(o => o.Phase == "Failed").Select(o => o.ShortReason)),
            Distribution.Of(load.Outcomes.Where(o => o.Phase == "Succeeded").Select(o => o.Total)), Distribution.Of(ledger.Downtimes), faults.Done,
            ledger.Guests.Count(g => g.Value is { HasEnded: true } && g.Value.Excuse?.Contains("killed", StringComparison.Ordinal) is true),
            unled, ledger.Violations.Count(v => v.Law == Ledger.NeverOld), [.. ledger.Violations], leaks);
    }

    private async Task CreateAsync(SimulatedCluster cluster, int count)
    {
        var wanted = Enumerable.Range(0, count).Select(_ => (Name: $"guest-{++_number}", Dirty: DirtyRates[_random.Next(DirtyRates.Length)])).ToList();
        await Parallel.ForEachAsync(wanted, new ParallelOptions { MaxDegreeOfParallelism = CreatorsAtOnce }, async (vmi, _) => await cluster.CreateVmiAsync(vmi.Name, vmi.Dirty));
    }

    /// <summary>A guest that was killed is deleted and another one takes its place.</summary>
    private void Replace(SimulatedCluster cluster)
    {
        foreach (var vmi in cluster.VmiCache.Objects.Values.Where(v => ObjectCache.Phase(v) is "Failed" or "Succeeded" && cluster.Hosts.Ledger.Guests.GetValueOrDefault(ObjectCache.Uid(v))?.Excuse is not null).ToList())
        {
            if (!_deleted.Add(ObjectCache.Uid(vmi)))
                continue;
            _ = cluster.DeleteAsync(SimulatedCluster.Vmis, ObjectCache.Name(vmi));
            _ = CreateAsync(cluster, 1);
        }
    }

    private async Task<IReadOnlyList<string>> DeleteAllAsync(SimulatedCluster cluster)
    {
        foreach (var uid in cluster.VmiCache.Objects.Keys)
            cluster.Hosts.Ledger.Excuse(uid, "its VMI was deleted");
        await Parallel.ForEachAsync(cluster.VmiCache.Objects.Values.ToList(), new ParallelOptions { MaxDegreeOfParallelism = CreatorsAtOnce },
            async (vmi, _) => await cluster.DeleteAsync(SimulatedCluster.Vmis, ObjectCache.Name(vmi)));
        return await UntilAsync(options.Settle, () => Unrest.Left(cluster));
    }

    private static Task<IReadOnlyList<string>> UntilAsync(TimeSpan patience, Func<IReadOnlyList<string>> unrest) => UntilAsync(patience, () => Task.FromResult(unrest()));

    /// <returns>What did not come to rest in time.</returns>
    private static async Task<IReadOnlyList<string>> UntilAsync(TimeSpan patience, Func<Task<IReadOnlyList<string>>> unrest)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var problems = await unrest();
            if (problems.Count == 0 || waited.Elapsed > patience)
                return problems;
            await Task.Delay(Step);
        }
    }
}
