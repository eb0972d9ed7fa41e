using Troupe.Benchmarks.ApiServers;

namespace Troupe.Benchmarks;

/// <summary>The same load on DevCluster and on a real API server, one after the other in one run.</summary>
public static class ApiServerBenchmark
{
    private const int RestartObjects = 50_000;
    private static readonly TimeSpan AtRest = TimeSpan.FromSeconds(10);

    public static async Task RunAsync()
    {
        var results = new List<(string Name, IReadOnlyDictionary<string, string> Figures)>();
        await using (var devcluster = await DevClusterServer.StartAsync())
        {
            var figures = await MeasureAsync(devcluster);
            await new ApiLoad(devcluster.Http).CreateAsync("fill", RestartObjects);
            await devcluster.RestartAfterKillAsync();
            figures[$"restart with {RestartObjects} objects, s"] = $"{devcluster.StartTime.TotalSeconds:0.00}";
            results.Add(("DevCluster", figures));
        }
        if (LabServer.Missing is { } why)
            Console.WriteLine($"no column for kube-apiserver: {why}");
        else
        {
            await using var lab = await LabServer.StartAsync();
            results.Add(("kube-apiserver+etcd", await MeasureAsync(lab)));
        }
        Print(results);
    }

    private static async Task<Dictionary<string, string>> MeasureAsync(IServerUnderTest server)
    {
        var figures = new Dictionary<string, string> { ["start to ready, s"] = $"{server.StartTime.TotalSeconds:0.00}", ["RSS when ready, MiB"] = $"{server.RssMiB():0}" };
        await Task.Delay(AtRest);
        figures["RSS 10 s after start, MiB"] = $"{server.RssMiB():0}";
        var load = new ApiLoad(server.Http);
        // Each path is compiled and each connection made before anything is measured.
        await load.CreateAsync("warm", 500);
        await load.GetAsync("warm", 500, 500);
        var create = await load.CreateAsync("bench", 10_000);
        figures["create, 1/s"] = $"{create.PerSecond:0}";
        figures["create P99, ms"] = $"{create.P99:0.0}";
        var get = await load.GetAsync("bench", 10_000, 20_000);
        figures["get, 1/s"] = $"{get.PerSecond:0}";
        figures["get P99, ms"] = $"{get.P99:0.0}";
        figures["list of 10000, ms"] = $"{await load.ListAsync("bench", 10):0}";
        var patch = await load.PatchStatusAsync("patch", 100, 5_000);
        figures["status patch, 1/s"] = $"{patch.PerSecond:0}";
        figures["status patch P99, ms"] = $"{patch.P99:0.0}";
        var fanOut = await new FanOut(server.Http).RunAsync(watchers: 100, events: 500);
        figures["fan-out to 100 watchers P50, ms"] = $"{Percentiles.Of(fanOut, 50):0.0}";
        figures["fan-out to 100 watchers P99, ms"] = $"{Percentiles.Of(fanOut, 99):0.0}";
        figures["RSS after the load, MiB"] = $"{server.RssMiB():0}";
        await Task.Delay(AtRest);
        figures["RSS 10 s after the load, MiB"] = $"{server.RssMiB():0}";
        return figures;
    }

    private static void Print(List<(string Name, IReadOnlyDictionary<string, string> Figures)> results)
    {
        Console.WriteLine($"{"",-34}" + string.Concat(results.Select(r => $"{r.Name,22}")));
        foreach (var figure in results[0].Figures.Keys)
            Console.WriteLine($"{figure,-34}" + string.Concat(results.Select(r => $"{r.Figures.GetValueOrDefault(figure, "-"),22}")));
    }
}
