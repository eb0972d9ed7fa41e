using Troupe.Benchmarks;

// `./dev bench NAME`; each benchmark prints its own table.
Dictionary<string, (string What, Func<Task> Run)> benchmarks = new()
{
    ["start"] = ("1, 10 and 25 guests: create to Running, beside bare libvirt; memory, CPU and API writes", StartBenchmark.RunAsync),
    ["apiserver"] = ("DevCluster's API server, beside kube-apiserver and etcd where K8S_LAB has them: throughput, fan-out, start, memory, restart", ApiServerBenchmark.RunAsync),
};

if (args is not [var name] || !benchmarks.TryGetValue(name, out var benchmark))
{
    foreach (var (key, (what, _)) in benchmarks)
        Console.WriteLine($"{key,-12} {what}");
    return args.Length == 0 ? 0 : 2;
}

await benchmark.Run();
return 0;
