using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>How long a VMI takes from create to Running, what bare libvirt takes for the same domain, and what it costs.</summary>
internal static class StartBenchmark
{
    private static readonly int[] Sizes = [1, 10, 25];
    private const int Repetitions = 5;

    /// <summary>A launcher gives pages of its start back ten seconds after it.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(12);

    /// <param name="args">Numbers of guests to start at once instead of 1, 10 and 25.</param>
    public static async Task RunAsync(IReadOnlyList<string> args)
    {
        var sizes = args.Count == 0 ? Sizes : [.. args.Select(a => int.TryParse(a, out var size) && size > 0 ? size : throw new ArgumentException($"'{a}' is not a number of guests"))];
        await using var cluster = await TroupeCluster.StartAsync();
        await using var proxy = await ApiProxy.StartAsync(cluster.Kubeconfig);

        Console.WriteLine("warm-up");
        var xml = await Warmup(cluster, proxy);
        var bare = await Bare(xml);

        List<(int Size, List<double> Times)> rows = [];
        foreach (var size in sizes)
        {
            List<double> times = [];
            // One guest is a small sample: it is started several times.
            for (var left = size == 1 ? Repetitions : 1; left > 0; left--)
                times.AddRange((await Batch(cluster, proxy, size, report: left == 1)).Select(t => t.TotalMilliseconds));
            rows.Add((size, times));
            Console.WriteLine($"    create to Running: P50 {Percentiles.Of(times, 50):0} ms, P95 {Percentiles.Of(times, 95):0} ms, all {times.Max():0} ms");
        }

        if (rows.FirstOrDefault(r => r.Size == 1).Times is { } single)
            Console.WriteLine($"over bare libvirt at P50: {Percentiles.Of(single, 50) - bare:0} ms");

        var api = ProcessUsage.Of(cluster.ProcessId(Part.DevCluster));
        var plane = ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane));
        var agent = ProcessUsage.Of(cluster.ProcessId(Part.NodeAgent1));
        Console.WriteLine($"\nafter the run: DevCluster {api.RssMiB:0} MiB RSS, {api.CpuSeconds:0.0} CPU s; control plane {plane.RssMiB:0} MiB, {plane.CpuSeconds:0.0} s; node agent {agent.RssMiB:0} MiB, {agent.CpuSeconds:0.0} s");
    }

    private static async Task<string> Warmup(TroupeCluster cluster, ApiProxy proxy)
    {
        await proxy.Create(Vmi("warm-up"));
        var vmi = await cluster.Phase("warm-up", "Running");
        var launcher = Process.GetProcessesByName("virt-launcher")
            .Single(p => File.ReadAllText($"/proc/{p.Id}/cmdline").Contains((string)vmi["metadata"]!["uid"]!, StringComparison.Ordinal));
        var xml = (await Shell.RunAsync("nsenter", ["-t", $"{launcher.Id}", "-m", "-p", "virsh", "-q", "-c", "qemu:///system", "dumpxml", "default_warm-up"])).Require();
        await proxy.Delete("warm-up");
        return xml;
    }

    /// <returns>P50 of what bare libvirt needs for the domain, its daemon's start included; ms.</returns>
    private static async Task<double> Bare(string launcherXml)
    {
        List<double> created = [], started = [];
        // The first one fills libvirt's cache of what it found out about QEMU.
        for (var i = -1; i < Repetitions; i++)
        {
            var watch = Stopwatch.StartNew();
            await using var libvirt = new BareLibvirt();
            await libvirt.WaitUsable();
            var usable = watch.Elapsed.TotalMilliseconds;
            var create = (await libvirt.Create(libvirt.Adapt(launcherXml, Path.Combine(TroupeCluster.DevDirectory, "guest")))).TotalMilliseconds;
            if (i < 0)
                continue;
            started.Add(usable);
            created.Add(create);
        }

        var together = created.Zip(started, (a, b) => a + b).ToList();
        Console.WriteLine($"bare libvirt, same domain, what it knows of QEMU cached ({Repetitions} runs): daemon usable P50 {Percentiles.Of(started, 50):0} ms, virsh create P50 {Percentiles.Of(created, 50):0} ms, "
            + $"together P50 {Percentiles.Of(together, 50):0} ms P95 {Percentiles.Of(together, 95):0} ms");
        return Percentiles.Of(together, 50);
    }

    private static async Task<List<TimeSpan>> Batch(TroupeCluster cluster, ApiProxy proxy, int size, bool report)
    {
        var strangers = Process.GetProcesses().Select(p => p.Id).ToHashSet();
        var before = ApiTraffic.Writes(await proxy.Metrics());
        var plane = ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane));
        var names = Enumerable.Range(0, size).Select(i => $"bench-{size}-{i}").ToList();
        var times = await proxy.TimeToRunning(names, Vmi);
        foreach (var name in names)
            await Eventually.True($"agent of {name}", async () => QuickAgent(await cluster.Get("vmi", name)), TimeSpan.FromMinutes(15));
        if (report)
        {
            await Task.Delay(Settled);
            var writes = ApiTraffic.Difference(before, ApiTraffic.Writes(await proxy.Metrics()));
            Console.WriteLine($"\n{size} guest(s): API writes per VMI from create to Running with agent connected");
            foreach (var (key, count) in writes.OrderByDescending(w => w.Value))
                Console.WriteLine($"    {count / size,6:0.0}  {key}");
            foreach (var process in new[] { "virt-launcher", "libvirtd", "qemu-system-x86", "dnsmasq", "conmon", "tini" })
            {
                var (count, sum) = ProcessUsage.OfAll(process, strangers);
                if (count > 0)
                    Console.WriteLine($"    {process,-16} x{count / (double)size:0.0}  RSS {sum.RssMiB / size,6:0.0} MiB  PSS {sum.PssMiB / size,6:0.0} MiB  CPU {sum.CpuSeconds / size:0.00} s per VMI");
            }

            var now = ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane));
            Console.WriteLine($"    control plane CPU {(now.CpuSeconds - plane.CpuSeconds) * 1000 / size:0} ms per VMI");
        }

        foreach (var name in names)
            await proxy.Delete(name);
        await Eventually.True("all bench guests gone", async () => (await cluster.Kubectl("get", "vmi,pods", "-o", "name")).Output.Trim().Length == 0, TimeSpan.FromMinutes(5));
        return times;
    }

    private static bool QuickAgent(JsonNode? vmi) =>
        vmi?["status"]?["conditions"]?.AsArray().Any(c => (string?)c?["type"] == "AgentConnected" && (string?)c["status"] == "True") is true;

    private static string Vmi(string name) => $$"""
        {"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"{{name}}","namespace":"default"},"spec":{
          "terminationGracePeriodSeconds":0,
          "domain":{"memory":{"guest":"128Mi"},"resources":{},
            "firmware":{"kernelBoot":{"kernelArgs":"console=ttyS0 quiet no_timer_check tsc=reliable cryptomgr.notests nokaslr","container":{"image":"registry.troupe.local/demo-guest-kernel:latest","kernelPath":"/boot/vmlinuz","initrdPath":"/boot/initrd.gz"} } },
            "devices":{"rng":{},"interfaces":[{"name":"default","masquerade":{} }]} },
          "networks":[{"name":"default","pod":{} }]} }
        """;
}
