using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Benchmarks;

/// <summary>
/// One guest that moves there and back again, by Troupe and by `virsh migrate --live --p2p` of the same domain: how long it takes, how
/// long the guest stands still for itself and for a TCP peer, and what Troupe spends on it.
/// </summary>
internal static class MigrationBenchmark
{
    private const string Vmi = "bench-mover";
    private const string Nc = "nc";

    /// <summary>MiB that are written anew all the time, and MiB/s.</summary>
    private static readonly (string Name, string? Dirty)[] Loads = [("idle", null), ("dirtying 32 MiB at 20 MiB/s", "32 20")];

    /// <param name="JournalMs">What the steps waited for the journal, which is the time that the conductor itself adds between them.</param>
    /// <param name="PartsMs">Of the total, by what was waited for.</param>
    private sealed record Move(double TotalMs, double MovingMs, Interruption Interruption, double JournalMs = 0, IReadOnlyList<double>? PartsMs = null);

    /// <summary>What the conductor waits for before each of its steps, and the watcher after the last.</summary>
    private static readonly (string Step, string Waited)[] Parts =
    [
        (nameof(MigrationAccepted), "taken up"), (nameof(MigrationTargetAssigned), "target pod runs"), (nameof(MigrationStarted), "target listens"),
        (nameof(RightHandedOver), "copied, right passed on"), ("", "guest runs there, and its objects say so"),
    ];

    /// <param name="args">How many moves of each kind; 6 if not said.</param>
    public static async Task RunAsync(IReadOnlyList<string> args)
    {
        var moves = args is [var count, ..] ? int.Parse(count, null) : 6;
        await using var cluster = await TroupeCluster.StartAsync();
        await using var proxy = await ApiProxy.StartAsync(cluster.Kubeconfig);
        await proxy.Create(Manifest);
        var uid = (string)(await cluster.Phase(Vmi, "Running"))["metadata"]!["uid"]!;
        await Eventually.True("the guest's agent", async () => HasAgent(await cluster.Get("vmi", Vmi)), TimeSpan.FromMinutes(3));
        var xml = (await Virsh(uid, "dumpxml", Domain)).Require();
        await using var bare = await BareMigration.StartAsync(xml, Path.Combine(TroupeCluster.DevDirectory, "guest"));

        await InGuest(uid, Nc, "-ll", "-p", $"{HeartbeatSession.Port}", "-e", "heartbeat", $"{HeartbeatSession.Interval}");
        await bare.InGuest(Nc, "-ll", "-p", $"{HeartbeatSession.Port}", "-e", "heartbeat", $"{HeartbeatSession.Interval}");
        var address = (string)(await cluster.Get("vmi", Vmi))!["status"]!["interfaces"]![0]!["ipAddress"]!;
        await using var troupePeer = await Connect(address);
        await using var barePeer = await Connect(BareMigration.GuestAddress);

        Console.WriteLine($"{moves} moves of each kind, 128 MiB guest; P50 (worst) in ms");
        Console.WriteLine($"{"",-30}{"",-14}{"total",16}{"moving",16}{"peer hears none",18}{"guest's clock",16}");
        foreach (var (name, dirty) in Loads)
        {
            if (dirty is not null)
            {
                await InGuest(uid, "dirty", dirty.Split(' '));
                await bare.InGuest("dirty", dirty.Split(' '));
            }

            // By turns, so that what else happens on the machine happens to both.
            List<Move> ours = [], theirs = [];
            var (writes, cpu) = (ApiTraffic.Writes(await proxy.Metrics()), Cpu(cluster));
            for (var i = 0; i < moves; i++)
            {
                theirs.Add(await ByLibvirt(bare, barePeer));
                ours.Add(await ByTroupe(cluster, proxy, troupePeer, $"{name.Split(' ')[0]}-{i}"));
                await Eventually.True("the source pod has ended", async () => (await cluster.Kubectl("get", "pods", "-l", $"kubevirt.io/created-by={uid}", "--field-selector=status.phase!=Succeeded", "-o", "name")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 1);
            }

            Row(name, "bare libvirt", theirs);
            Row(name, "Troupe", ours);
            var spent = Cpu(cluster).Zip(cpu, (after, before) => (after - before) * 1000 / moves).ToList();
            Console.WriteLine($"{"",-30}the conductor's journal, all steps of a move: {Percentiles.Of([.. ours.Select(m => m.JournalMs)], 50):0.0} ms (worst {ours.Max(m => m.JournalMs):0.0})");
            Console.WriteLine($"{"",-30}where the total goes, P50: {string.Join(", ", Parts.Select((p, i) => $"{p.Waited} {Percentiles.Of([.. ours.Select(m => m.PartsMs![i])], 50):0}"))} ms");
            Console.WriteLine($"{"",-30}CPU per move: control plane {spent[0]:0} ms, node agents {spent[1]:0} ms, API server {spent[2]:0} ms");
            Writes(ApiTraffic.Difference(writes, ApiTraffic.Writes(await proxy.Metrics())), moves);
        }

        await proxy.Delete(Vmi);
    }

    private static string Domain => $"default_{Vmi}";

    private static async Task<Move> ByLibvirt(BareMigration bare, HeartbeatSession peer)
    {
        var took = TimeSpan.Zero;
        var interruption = await peer.DuringAsync(async () => took = await bare.Migrate());
        return new Move(took.TotalMilliseconds, took.TotalMilliseconds, interruption);
    }

    private static async Task<Move> ByTroupe(TroupeCluster cluster, ApiProxy proxy, HeartbeatSession peer, string name)
    {
        IReadOnlyList<(string Phase, TimeSpan At)> phases = [];
        var ended = TimeOnly.MinValue;
        var interruption = await peer.DuringAsync(async () =>
        {
            phases = await proxy.Migrate($"{Vmi}-{name}", Vmi);
            ended = TimeOnly.FromDateTime(DateTime.Now);
        });
        var (end, at) = phases[^1];
        if (end != "Succeeded")
            throw new InvalidOperationException($"migration {name} ended as {end}");
        var uid = (string)(await cluster.Get("vmim", $"{Vmi}-{name}"))!["metadata"]!["uid"]!;
        var steps = new ConductorLog(cluster.LogFile(Part.ControlPlane)).Of(uid);
        // Until then the target pod is placed, started and prepared, for which bare libvirt's two daemons stand ready.
        var started = steps.Single(s => s.Name == nameof(MigrationStarted)).At;
        List<TimeOnly> ends = [ended.Add(-at), .. Parts.SkipLast(1).Select(p => steps.Single(s => s.Name == p.Step).At), ended];
        return new Move(at.TotalMilliseconds, (ended - started).TotalMilliseconds, interruption, steps.Sum(s => s.JournalMs), [.. ends.Zip(ends.Skip(1), (from, to) => (to - from).TotalMilliseconds)]);
    }

    /// <summary>Objects and the events about them apart: an event is an object of its own and KubeVirt's names for them stay.</summary>
    public static void Writes(Dictionary<string, double> writes, int moves)
    {
        foreach (var group in writes.GroupBy(w => KindOf(w.Key)).OrderBy(g => g.Key, StringComparer.Ordinal))
            Console.WriteLine($"{"",-30}{group.Key} per move {group.Sum(w => w.Value) / moves:0.0}: {string.Join(", ", group.OrderByDescending(w => w.Value).Select(w => $"{w.Value / moves:0.0} {w.Key}"))}");
    }

    private static void Row(string load, string by, IReadOnlyList<Move> moves)
    {
        Console.WriteLine($"{load,-30}{by,-14}{Both(m => m.TotalMs),16}{Both(m => m.MovingMs),16}{Both(m => m.Interruption.PeerMs),18}{Both(m => m.Interruption.ClockMs),16}");

        string Both(Func<Move, double> of) => $"{Percentiles.Of([.. moves.Select(of)], 50):0} ({moves.Max(of):0})";
    }

    /// <summary>Seconds of the control plane, both node agents, and the API server.</summary>
    public static double[] Cpu(TroupeCluster cluster) =>
    [
        ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane)).CpuSeconds,
        ProcessUsage.Of(cluster.ProcessId(Part.NodeAgent1)).CpuSeconds + ProcessUsage.Of(cluster.ProcessId(Part.NodeAgent2)).CpuSeconds,
        ProcessUsage.Of(cluster.ProcessId(Part.DevCluster)).CpuSeconds,
    ];

    /// <summary>Kubelets and the scheduler write the nodes' leases and most of a pod's status whoever wants the pod; one of the latter is Troupe's.</summary>
    private static string KindOf(string write) =>
        write.EndsWith(" events", StringComparison.Ordinal) ? "events"
        : write.EndsWith(" pods/status", StringComparison.Ordinal) || write.EndsWith(" pods/binding", StringComparison.Ordinal) || write.Contains("leases", StringComparison.Ordinal) || write.Contains(" nodes", StringComparison.Ordinal) ? "of pods' and nodes' own"
        : "API writes";

    private static async Task<HeartbeatSession> Connect(string address)
    {
        HeartbeatSession? session = null;
        await Eventually.True($"a heartbeat from {address}", async () =>
        {
            try
            {
                session = await HeartbeatSession.OpenAsync(address);
                return true;
            }
            catch (System.Net.Sockets.SocketException)
            {
                return false;
            }
        });
        return session!;
    }

    private static Task InGuest(string uid, string program, params string[] args) => GuestExec.RunAsync(command => Virsh(uid, "qemu-agent-command", Domain, command), program, args);

    private static Task<ShellResult> Virsh(string uid, params string[] args)
    {
        var launcher = Process.GetProcessesByName("virt-launcher").Single(p => File.ReadAllText($"/proc/{p.Id}/cmdline").Contains(uid, StringComparison.Ordinal));
        return Shell.RunAsync("nsenter", ["-t", $"{launcher.Id}", "-m", "-p", "virsh", "-q", "-c", "qemu:///system", .. args]);
    }

    private static bool HasAgent(JsonNode? vmi) =>
        vmi?["status"]?["conditions"]?.AsArray().Any(c => (string?)c?["type"] == "AgentConnected" && (string?)c["status"] == "True") is true;

    private static string Manifest => $$"""
        {"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"{{Vmi}}","namespace":"default"},"spec":{
          "terminationGracePeriodSeconds":0,
          "domain":{"memory":{"guest":"128Mi"},"resources":{},
            "firmware":{"kernelBoot":{"kernelArgs":"console=ttyS0 quiet no_timer_check tsc=reliable cryptomgr.notests nokaslr","container":{"image":"registry.troupe.local/demo-guest-kernel:latest","kernelPath":"/boot/vmlinuz","initrdPath":"/boot/initrd.gz"} } },
            "devices":{"rng":{},"interfaces":[{"name":"default","masquerade":{} }]} },
          "networks":[{"name":"default","pod":{} }]} }
        """;
}
