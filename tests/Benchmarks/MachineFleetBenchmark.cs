using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>
/// Many VirtualMachines created at once, whose guests no node may take: what the control plane needs until each has its instance and its pod,
/// and what it writes for each.
/// </summary>
internal static class MachineFleetBenchmark
{
    private const int Clients = 16;
    private const string Fleet = "fleet";

    public static async Task RunAsync(int machines)
    {
        await using var cluster = await TroupeCluster.StartAsync();
        await using var proxy = await ApiProxy.StartAsync(cluster.Kubeconfig);
        await Run(proxy, 1, "warm-up");
        var before = ApiTraffic.Writes(await proxy.Metrics());
        var busy = ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane)).CpuSeconds;

        var (created, instances, pods) = await Run(proxy, machines, Fleet);

        var writes = ApiTraffic.Difference(before, ApiTraffic.Writes(await proxy.Metrics()));
        Console.WriteLine($"\n{machines} VirtualMachines: all created after {created.TotalSeconds:0.0} s, with a VMI after {instances.TotalSeconds:0.0} s, with a pod after {pods.TotalSeconds:0.0} s");
        Console.WriteLine($"control plane: {ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane)).CpuSeconds - busy:0.0} CPU s, {ProcessUsage.Of(cluster.ProcessId(Part.ControlPlane)).RssMiB:0} MiB RSS");
        Console.WriteLine($"API writes per VM ({writes.Values.Sum() / machines:0.0} in all, the user's create among them):");
        foreach (var (request, count) in writes.Where(w => w.Value >= machines / 100.0).OrderByDescending(w => w.Value))
            Console.WriteLine($"  {count / machines,6:0.00}  {request}");
    }

    private static async Task<(TimeSpan Created, TimeSpan Instances, TimeSpan Pods)> Run(ApiProxy proxy, int count, string prefix)
    {
        var start = Stopwatch.StartNew();
        var instances = Counted(proxy, "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances", prefix, count, start);
        var pods = Counted(proxy, "/api/v1/namespaces/default/pods", prefix, count, start);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (i, _) => await proxy.CreateMachine(Machine($"{prefix}-{i}", prefix)));
        var created = start.Elapsed;
        return (created, await instances, await pods);
    }

    /// <summary>When the last of so many objects of the fleet has appeared.</summary>
    private static async Task<TimeSpan> Counted(ApiProxy proxy, string path, string fleet, int count, Stopwatch start)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        HashSet<string> seen = [];
        await foreach (var e in proxy.Watch($"{path}?watch=true&labelSelector=fleet%3D{fleet}", deadline.Token))
        {
            if (e["object"]?["metadata"]?["uid"] is { } uid && seen.Add((string)uid!) && seen.Count == count)
                break;
        }

        return start.Elapsed;
    }

    private static string Machine(string name, string fleet) => new JsonObject
    {
        ["apiVersion"] = "kubevirt.io/v1",
        ["kind"] = "VirtualMachine",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["runStrategy"] = "Always",
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["fleet"] = fleet } },
                ["spec"] = new JsonObject
                {
                    ["nodeSelector"] = new JsonObject { ["fleet"] = "nowhere" },
                    ["domain"] = new JsonObject
                    {
                        ["memory"] = new JsonObject { ["guest"] = "128Mi" },
                        ["devices"] = new JsonObject { ["disks"] = new JsonArray(new JsonObject { ["name"] = "root", ["disk"] = new JsonObject { ["bus"] = "virtio" } }) },
                    },
                    ["volumes"] = new JsonArray(new JsonObject { ["name"] = "root", ["containerDisk"] = new JsonObject { ["image"] = "registry.troupe.local/demo-guest-disk:latest" } }),
                },
            },
        },
    }.ToJsonString();
}
