using Troupe.Benchmarks;

// `./dev bench NAME [ARG...]`; each benchmark prints its own table.
Dictionary<string, (string What, Func<IReadOnlyList<string>, Task> Run)> benchmarks = new()
{
    ["start"] = ("1, 10 and 25 guests (or as many as named): create to Running, beside bare libvirt; memory, CPU and API writes", StartBenchmark.RunAsync),
    ["admission"] = ("webhooks over HTTPS: latency and throughput; then 1,000 VirtualMachines (or as many as named) until each has VMI and pod", AdmissionBenchmark.RunAsync),
    ["migration"] = ("a guest that moves to and fro, idle and writing (6 times, or as many as named): time, downtime, API writes, beside bare libvirt", MigrationBenchmark.RunAsync),
    ["drain"] = ("a node with 20 guests (or as many as named; then how many at a time) is drained: migrations/s, CPU and API writes of each", DrainBenchmark.RunAsync),
    ["apiserver"] = ("DevCluster's API server, beside kube-apiserver and etcd where K8S_LAB has them: throughput, fan-out, start, memory, restart", _ => ApiServerBenchmark.RunAsync()),
};

if (args is not [var name, .. var rest] || !benchmarks.TryGetValue(name, out var benchmark))
{
    foreach (var (key, (what, _)) in benchmarks)
        Console.WriteLine($"{key,-12} {what}");
    return args.Length == 0 ? 0 : 2;
}

await benchmark.Run(rest);
return 0;
