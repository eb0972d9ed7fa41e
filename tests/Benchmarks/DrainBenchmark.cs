using System.Diagnostics;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>A node with many real guests is drained by `kubectl drain`: how fast it is empty, and what that costs.</summary>
internal static class DrainBenchmark
{
    private const string Node = "node-1";
    private const string Other = "node-2";

    /// <param name="args">How many guests; 20 if not said. Then how many at a time; KubeVirt's defaults (5 and 2 for each node) if not said.</param>
    public static async Task RunAsync(IReadOnlyList<string> args)
    {
        var guests = args is [var count, ..] ? int.Parse(count, null) : 20;
        await using var cluster = await TroupeCluster.StartAsync();
        await using var proxy = await ApiProxy.StartAsync(cluster.Kubeconfig);
        if (args is [_, var parallel, ..])
            (await cluster.Apply(Installation(int.Parse(parallel, null)))).Require();
        (await cluster.Kubectl("cordon", Other)).Require();
        var booting = Stopwatch.StartNew();
        var names = Enumerable.Range(1, guests).Select(i => $"drained-{i}").ToList();
        await proxy.TimeToRunning(names, Guest);
        Console.WriteLine($"{guests} guests run on {Node} after {booting.Elapsed.TotalSeconds:0} s");
        // Their kernels boot on, and until they are done nothing else gets the CPUs.
        await Eventually.True("all agents", async () => (await cluster.Kubectl("get", "vmi", "-o", """jsonpath={range .items[*]}{.status.conditions[?(@.type=="AgentConnected")].status}{"\n"}{end}""")).Output.Split('\n').Count(l => l == "True") == guests, TimeSpan.FromMinutes(10));
        (await cluster.Kubectl("uncordon", Other)).Require();

        var (writes, cpu) = (ApiTraffic.Writes(await proxy.Metrics()), MigrationBenchmark.Cpu(cluster));
        var draining = Stopwatch.StartNew();
        (await cluster.Kubectl("drain", Node, "--delete-emptydir-data", "--ignore-daemonsets", "--force", "--pod-selector=kubevirt.io=virt-launcher", "--timeout=20m")).Require();
        var took = draining.Elapsed;
        await Eventually.True("every guest is told to be there", async () => (await cluster.Kubectl("get", "vmi", "-o", """jsonpath={range .items[*]}{.status.nodeName}{"\n"}{end}""")).Output.Split('\n').Count(l => l == Other) == guests);
        await Eventually.True("every migration has succeeded", async () => (await cluster.Kubectl("get", "vmim", "-o", """jsonpath={range .items[*]}{.status.phase}{"\n"}{end}""")).Output.Split('\n').Count(l => l == "Succeeded") == guests);
        Console.WriteLine($"drained in {took.TotalSeconds:0.0} s: {guests / took.TotalSeconds:0.00} migrations/s");
        var spent = MigrationBenchmark.Cpu(cluster).Zip(cpu, (after, before) => (after - before) * 1000 / guests).ToList();
        Console.WriteLine($"CPU per move: control plane {spent[0]:0} ms, node agents {spent[1]:0} ms, API server {spent[2]:0} ms");
        MigrationBenchmark.Writes(ApiTraffic.Difference(writes, ApiTraffic.Writes(await proxy.Metrics())), guests);
        foreach (var name in names)
            await proxy.Delete(name);
    }

    private static string Installation(int parallel) => $$"""
        apiVersion: kubevirt.io/v1
        kind: KubeVirt
        metadata: {name: kubevirt, namespace: kubevirt}
        spec: {configuration: {migrations: {parallelMigrationsPerCluster: {{parallel}}, parallelOutboundMigrationsPerNode: {{parallel}} } } }
        """;

    private static string Guest(string name) => $$"""
        {"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"{{name}}","namespace":"default"},"spec":{
          "terminationGracePeriodSeconds":0,"evictionStrategy":"LiveMigrate",
          "domain":{"memory":{"guest":"128Mi"},"resources":{},
            "firmware":{"kernelBoot":{"kernelArgs":"console=ttyS0 quiet no_timer_check tsc=reliable cryptomgr.notests nokaslr","container":{"image":"registry.troupe.local/demo-guest-kernel:latest","kernelPath":"/boot/vmlinuz","initrdPath":"/boot/initrd.gz"} } },
            "devices":{"rng":{},"interfaces":[{"name":"default","masquerade":{} }]} },
          "networks":[{"name":"default","pod":{} }]} }
        """;
}
