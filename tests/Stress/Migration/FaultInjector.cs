using System.Collections.Concurrent;
using System.Diagnostics;
using Troupe.Stress.Simulation;

namespace Troupe.Stress.Migration;

/// <summary>Carries a plan of faults out on simulated hosts, and mends each after its time.</summary>
internal sealed class FaultInjector(SimulatedCluster cluster, MigrationLoad load, IReadOnlyList<Fault> plan)
{
    private const double SlowFactor = 0.01;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private readonly List<(DateTimeOffset At, Func<Task> Mend)> _mending = [];
    private readonly ConcurrentDictionary<FaultKind, int> _done = new();
    private int _next;

    public IReadOnlyDictionary<string, int> Done => _done.ToDictionary(d => d.Key.ToString(), d => d.Value);

    /// <summary>Beside the load, which may have to wait for what is broken here; returns when it is told to stop, with everything mended.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var running = Stopwatch.StartNew();
        while (!stop.IsCancellationRequested)
        {
            await StepAsync(running.Elapsed);
            await Task.Delay(Step, CancellationToken.None);
        }

        foreach (var (_, mend) in _mending)
            await mend();
    }

    private async Task StepAsync(TimeSpan since)
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var due in _mending.Where(m => m.At <= now).ToList())
        {
            _mending.Remove(due);
            await due.Mend();
        }

        for (; _next < plan.Count && plan[_next].At <= since; _next++)
            await DoAsync(plan[_next], now);
    }

    private async Task DoAsync(Fault fault, DateTimeOffset now)
    {
        var node = cluster.Nodes[fault.Choice % cluster.Nodes.Count];
        var network = cluster.Hosts.Network;
        switch (fault.Kind)
        {
            case FaultKind.KillControlPlane:
                await cluster.ControlPlane.KillAsync();
                Later(() => Start(() =>
                {
                    if (!cluster.ControlPlane.IsRunning)
                        cluster.ControlPlane.Start();
                }));
                break;
            case FaultKind.KillAgent:
                await cluster.Agents.KillAsync(node);
                Later(() => Start(() => cluster.Agents.Start(node)));
                break;
            case FaultKind.KillLauncher:
                Launcher(fault)?.Kill();
                break;
            case FaultKind.KillQemu:
                Launcher(fault)?.KillGuest();
                break;
            case FaultKind.KillDaemon:
                Launcher(fault)?.KillDaemon();
                break;
            case FaultKind.Isolate:
                network.Isolate(node, true);
                Later(() => Start(() => network.Isolate(node, false)));
                break;
            case FaultKind.CutAgent:
                cluster.Agents.Faults(node).IsCut = true;
                Later(() => Start(() => cluster.Agents.Faults(node).IsCut = false));
                break;
            case FaultKind.SlowLink:
                network.Slow(node, SlowFactor);
                Later(() => Start(() => network.Slow(node, 1)));
                break;
            case FaultKind.FullDisk:
                cluster.Hosts.FillDisk(node, true);
                Later(() => Start(() => cluster.Hosts.FillDisk(node, false)));
                break;
            case FaultKind.Drain:
                await cluster.CordonAsync(node, true);
                load.Drain(node);
                Later(() => cluster.CordonAsync(node, false));
                break;
        }

        _done[fault.Kind] = _done.GetValueOrDefault(fault.Kind) + 1;

        void Later(Func<Task> mend) => _mending.Add((now + fault.Lasts, mend));

        static Task Start(Action act)
        {
            act();
            return Task.CompletedTask;
        }
    }

    private SimulatedLauncher? Launcher(Fault fault)
    {
        var all = cluster.Hosts.Launchers.Values.OrderBy(l => l.Address, StringComparer.Ordinal).ToList();
        if (fault.IsAimed && all.Where(l => l.IsMigrating).ToList() is { Count: > 0 } migrating)
            all = migrating;
        return all.Count == 0 ? null : all[fault.Choice % all.Count];
    }
}
