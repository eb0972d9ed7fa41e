using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Network;
using Troupe.EndToEnd.Harness;
using Troupe.Stress.Migration;
using Troupe.Stress.Simulation;

namespace Troupe.Stress.Real;

/// <summary>Real guests that go back and forth between two nodes while things break, with work in them that shows any loss.</summary>
public sealed class RealStress(StressOptions options, Action<string> say)
{
    private const int SlowKilobytesPerSecond = 3000;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>MiB, and MiB a second, that guests dirty; the emulated guests of a small machine are slow.</summary>
    private static readonly (int MiB, int Rate)[] Dirty = [(4, 1), (16, 4), (32, 16)];
    private readonly Random _random = new(options.Seed + 1);
    private readonly List<StressGuest> _guests = [];
    private readonly List<MigrationOutcome> _outcomes = [];
    private readonly List<Violation> _violations = [];
    private readonly List<TimeSpan> _silences = [];
    private readonly Dictionary<string, int> _faults = [];
    private readonly Dictionary<string, Under> _under = [];
    private readonly HashSet<string> _uids = new(StringComparer.Ordinal);
    private int _number;
    private int _losses;
    private int _tcpLosses;
    private int _diskLosses;
    private int _panics;

    public async Task<StressReport> RunAsync()
    {
        var (startedAt, took) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        await using var cluster = await TroupeCluster.StartAsync();
        await using var faults = new RealFaults(cluster);
        say($"starting {options.Guests} guests");
        for (var i = 0; i < options.Guests; i++)
            await AddGuestAsync(cluster);
        say($"all run after {took.Elapsed.TotalSeconds:0} s; migrating for {options.Duration.TotalMinutes:0.#} min");
        await StressAsync(cluster, faults);
        say("mending everything and waiting for rest");
        await faults.MendNetworkAsync();
        await SettleAsync(cluster);
        foreach (var guest in _guests)
            await NoteAsync(cluster, guest, await guest.FinishSessionAsync(), null);
        say("deleting all guests");
        var leaks = await DeleteAllAsync(cluster);
        return new StressReport("real", options, startedAt, took.Elapsed, StressReport.Count(_outcomes.Select(o => o.Aborted ? $"{o.Phase} (given up)" : o.Phase)),
            StressReport.Count(_outcomes.Where(o => o.Phase == "Failed").Select(o => o.ShortReason)), Distribution.Of(_outcomes.Where(o => o.Phase == "Succeeded").Select(o => o.Total)),
            Distribution.Of(_silences), _faults, _losses, _tcpLosses, _diskLosses, _violations, leaks)
        {
            EmulatedPanics = _panics,
        };
    }

    private async Task StressAsync(TroupeCluster cluster, RealFaults faults)
    {
        var plan = new Queue<Fault>(FaultPlan.Of(options with { Kinds = options.Kinds.Count > 0 ? options.Kinds : RealFaults.Kinds }));
        var running = Stopwatch.StartNew();
        Task<bool> mending = Task.FromResult(true);
        while (running.Elapsed < options.Duration)
        {
            // One at a time, and none later than planned: on two nodes several at once would be the same as none ever working.
            if (mending.IsCompleted && Due(plan, running.Elapsed) is { } fault)
            {
                await mending;
                mending = DoAsync(cluster, faults, fault);
            }

            await FollowAsync(cluster);
            foreach (var guest in _guests.Where(g => !_under.ContainsKey(g.Name)).Take(options.Parallel - _under.Count).ToList())
                await BeginAsync(cluster, guest);
            await Task.Delay(Step);
        }

        await mending;
    }

    private static Fault? Due(Queue<Fault> plan, TimeSpan elapsed)
    {
        Fault? due = null;
        while (plan.TryPeek(out var next) && next.At <= elapsed)
            due = plan.Dequeue();
        return due;
    }

    private async Task<bool> DoAsync(TroupeCluster cluster, RealFaults faults, Fault fault)
    {
        say($"fault: {fault.Kind}");
        _faults[fault.Kind.ToString()] = _faults.GetValueOrDefault(fault.Kind.ToString()) + 1;
        switch (fault.Kind)
        {
            case FaultKind.KillControlPlane:
                await faults.KillAndStartAsync(Part.ControlPlane, fault.Lasts);
                break;
            case FaultKind.KillAgent:
                await faults.KillAndStartAsync(fault.Choice % 2 == 0 ? Part.NodeAgent1 : Part.NodeAgent2, fault.Lasts);
                break;
            case FaultKind.KillLauncher or FaultKind.KillQemu or FaultKind.KillDaemon:
                KillIn(fault);
                break;
            case FaultKind.Isolate:
                await faults.LimitAsync(0);
                await Task.Delay(fault.Lasts);
                await faults.MendNetworkAsync();
                break;
            case FaultKind.SlowLink:
                await faults.LimitAsync(SlowKilobytesPerSecond);
                await Task.Delay(fault.Lasts);
                await faults.MendNetworkAsync();
                break;
            case FaultKind.Drain:
                var node = $"node-{1 + (fault.Choice % 2)}";
                await cluster.Kubectl("cordon", node);
                await Task.Delay(fault.Lasts);
                await cluster.Kubectl("uncordon", node);
                break;
        }

        return true;
    }

    /// <summary>Aimed at where a guest is moving to, if one is moving; else wherever the choice falls.</summary>
    private void KillIn(Fault fault)
    {
        var all = RealFaults.Launchers(_uids);
        var targets = all.GroupBy(l => l.VmiUid).Where(g => g.Count() > 1).Select(g => g.Last()).ToList();
        var candidates = fault.IsAimed && targets.Count > 0 ? targets : all;
        if (candidates.Count == 0)
            return;
        var chosen = candidates[fault.Choice % candidates.Count];
        // Which of two has the guest at this moment, nobody outside can tell for sure: either may take it along.
        if (fault.Kind is not FaultKind.KillDaemon && _guests.FirstOrDefault(g => g.Uid == chosen.VmiUid) is { } guest)
            guest.IsExcused = true;
        switch (fault.Kind)
        {
            case FaultKind.KillLauncher:
                RealFaults.Kill(chosen.ProcessId);
                break;
            case FaultKind.KillQemu:
                foreach (var qemu in RealFaults.Inside(chosen, "qemu-system-x86", "qemu-system-x86_64"))
                    RealFaults.Kill(qemu);
                break;
            default:
                foreach (var daemon in RealFaults.Inside(chosen, "libvirtd", "virtqemud"))
                    RealFaults.Kill(daemon);
                break;
        }
    }

    private async Task BeginAsync(TroupeCluster cluster, StressGuest guest)
    {
        var name = $"{guest.Name}-move-{++_number}";
        var begunAt = DateTimeOffset.UtcNow;
        guest.TakeSilence();
        if ((await cluster.Apply(Manifests.Migration(name, guest.Name))).ExitCode == 0)
            _under[guest.Name] = new Under(guest, name, begunAt, _random.NextDouble() < options.AbortShare ? begunAt.AddSeconds(_random.NextDouble() * 6) : null);
    }

    private async Task FollowAsync(TroupeCluster cluster)
    {
        foreach (var under in _under.Values.ToList())
        {
            var read = await cluster.Kubectl("get", "vmim", under.Name, "-o", "json", "--ignore-not-found");
            if (read.ExitCode != 0)
                continue;
            var migration = read.Output.Length > 0 ? JsonNode.Parse(read.Output) : null;
            var phase = migration is null ? "Deleted" : (string?)migration["status"]?["phase"];
            if (phase is "Succeeded" or "Failed" or "Deleted")
            {
                await EndAsync(cluster, under, phase, (string?)migration?["status"]?["migrationState"]?["failureReason"]);
            }
            else if (under.AbortAt is { } at && DateTimeOffset.UtcNow >= at && migration!["metadata"]!["deletionTimestamp"] is null)
            {
                await cluster.Kubectl("delete", "vmim", under.Name, "--wait=false");
            }
        }
    }

    private async Task EndAsync(TroupeCluster cluster, Under under, string phase, string? reason)
    {
        _under.Remove(under.Guest.Name);
        _outcomes.Add(new MigrationOutcome(under.Name, phase, under.AbortAt is not null, reason, DateTimeOffset.UtcNow - under.BegunAt));
        say($"{under.Name} {phase} after {(DateTimeOffset.UtcNow - under.BegunAt).TotalSeconds:0.0} s {_outcomes[^1].ShortReason}");
        if (phase is "Failed")
            await cluster.Kubectl("delete", "vmim", under.Name, "--wait=false");
        var session = await under.Guest.LostOfSessionAsync();
        if (session is null && phase is "Succeeded")
            _silences.Add(under.Guest.TakeSilence());
        var isWell = await NoteAsync(cluster, under.Guest, session, session is null ? await under.Guest.LostOnDiskAsync() : null);
        if (!isWell || !await RunsAsync(cluster, under.Guest))
            await ReplaceAsync(cluster, under.Guest);
        else
            // Whatever was killed, the guest is there: from here on nothing excuses its loss.
            under.Guest.IsExcused = false;
    }

    private static async Task<bool> IsEmulatedAsync(TroupeCluster cluster) => (string?)(await cluster.Get("node", "node-1"))?["status"]?["allocatable"]?["devices.kubevirt.io/kvm"] is null or "0";

    private static async Task<bool> RunsAsync(TroupeCluster cluster, StressGuest guest) => (string?)(await cluster.Get("vmi", guest.Name))?["status"]?["phase"] == "Running";

    /// <returns>Whether nothing was lost.</returns>
    private async Task<bool> NoteAsync(TroupeCluster cluster, StressGuest guest, string? session, string? disk)
    {
        if (session is null && disk is null)
            return true;
        if (guest.IsExcused)
            return false;
        _tcpLosses += session is null ? 0 : 1;
        _diskLosses += disk is null ? 0 : 1;
        var diagnosis = await Diagnosis.OfAsync(cluster, guest);
        var what = $"{session ?? disk}; {diagnosis.Text}";
        if (diagnosis.Panicked && await IsEmulatedAsync(cluster))
        {
            guest.HasPanicked = true;
            _panics++;
            say($"an emulated guest's kernel panicked: {what}");
            return false;
        }

        _violations.Add(new Violation(DateTimeOffset.UtcNow, "nothing is lost", guest.Uid, what));
        say($"VIOLATION {what}");
        return false;
    }

    private async Task AddGuestAsync(TroupeCluster cluster)
    {
        var (mib, rate) = Dirty[_random.Next(Dirty.Length)];
        var guest = new StressGuest(cluster, $"guest-{++_number}", mib, rate);
        await guest.StartAsync();
        _guests.Add(guest);
        _uids.Add(guest.Uid);
    }

    private async Task ReplaceAsync(TroupeCluster cluster, StressGuest guest)
    {
        if (guest.IsExcused)
            _losses++;
        else if (!guest.HasPanicked && !await RunsAsync(cluster, guest))
            _violations.Add(new Violation(DateTimeOffset.UtcNow, Ledger.NeverNone, guest.Uid, $"{guest.Name} does not run any more"));
        _guests.Remove(guest);
        await guest.DisposeAsync();
        await cluster.Kubectl("delete", "vmi", guest.Name, "--wait=false");
        await AddGuestAsync(cluster);
    }

    private async Task SettleAsync(TroupeCluster cluster)
    {
        var waited = Stopwatch.StartNew();
        while (_under.Count > 0 && waited.Elapsed < options.Settle)
        {
            await FollowAsync(cluster);
            await Task.Delay(Step);
        }

        _outcomes.AddRange(_under.Values.Select(u => new MigrationOutcome(u.Name, "Unfinished", u.AbortAt is not null, null, DateTimeOffset.UtcNow - u.BegunAt)));
        foreach (var guest in _guests.ToList().Where(g => !_under.ContainsKey(g.Name)))
        {
            if (!await NoteAsync(cluster, guest, await guest.LostOfSessionAsync(), await guest.LostOnDiskAsync()))
                continue;
            // A failed migration's target is cleaned up a moment after its end.
            try
            {
                await Eventually.True($"one QEMU of {guest.Name}", () => Task.FromResult(TroupeCluster.QemuOf(guest.Uid).Count == 1), TimeSpan.FromSeconds(30));
            }
            catch (TimeoutException)
            {
                _violations.Add(new Violation(DateTimeOffset.UtcNow, Ledger.NeverTwo, guest.Uid, $"{TroupeCluster.QemuOf(guest.Uid).Count} QEMUs of {guest.Name} at rest"));
            }
        }
    }

    private async Task<IReadOnlyList<string>> DeleteAllAsync(TroupeCluster cluster)
    {
        var identity = ClusterIdentity.Load(StateLayout.Of(Path.Combine(cluster.Root, "devcluster")))!;
        foreach (var guest in _guests)
            await guest.DisposeAsync();
        await cluster.Kubectl("delete", "vmi", "--all", "--wait=false");
        IReadOnlyList<string> left = [];
        var waited = Stopwatch.StartNew();
        do
        {
            await Task.Delay(Step);
            left = await LeftAsync(cluster, identity);
        }
        while (left.Count > 0 && waited.Elapsed < options.Settle);
        return left;
    }

    private async Task<IReadOnlyList<string>> LeftAsync(TroupeCluster cluster, ClusterIdentity identity)
    {
        List<string> left = [.. RealFaults.Launchers(_uids).Select(l => $"virt-launcher {l.ProcessId} of VMI {l.VmiUid}")];
        left.AddRange(_uids.SelectMany(uid => TroupeCluster.QemuOf(uid).Select(pid => $"QEMU {pid} of VMI {uid}")));
        if (Directory.Exists("/run/netns"))
            left.AddRange(Directory.EnumerateFileSystemEntries("/run/netns", identity.NetnsPrefix + "*").Select(n => $"network namespace {Path.GetFileName(n)}"));
        left.AddRange(Directory.EnumerateFileSystemEntries("/sys/class/net", $"trp{identity.Octet}v*").Select(l => $"link {Path.GetFileName(l)}"));
        foreach (var node in (string[])["node-1", "node-2"])
            left.AddRange(Directory.EnumerateDirectories(Path.Combine(cluster.Root, "devcluster/kubelet", node, "pods")).Select(p => $"folder of pod {Path.GetFileName(p)} on {node}"));
        var objects = await cluster.Kubectl("get", "vmi,pods", "-o", "name");
        left.AddRange(objects.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(o => $"object {o}"));
        return left;
    }

    private sealed record Under(StressGuest Guest, string Name, DateTimeOffset BegunAt, DateTimeOffset? AbortAt);
}
