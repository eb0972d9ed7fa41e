using Troupe.EndToEnd.Harness;

namespace Troupe.Stress.Real;

/// <summary>What can be seen of a guest whose peers do not hear from it: where the way to it ends.</summary>
/// <param name="Panicked">Its console says that its kernel gave up.</param>
internal sealed record Diagnosis(string Text, bool Panicked)
{
    private const int LastWords = 3000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<Diagnosis> OfAsync(TroupeCluster cluster, StressGuest guest)
    {
        var status = (await cluster.Get("vmi", guest.Name))?["status"];
        var address = (string?)status?["interfaces"]?[0]?["ipAddress"];
        List<string> seen = [$"its VMI is {status?["phase"]} on {status?["nodeName"]} at {address}"];
        foreach (var at in new[] { address, guest.Address }.OfType<string>().Distinct())
            seen.Add($"at {at} its web server {await AnswersAsync(at)}");
        seen.Add(await RunAsync("ip", "route", "get", guest.Address));
        foreach (var launcher in RealFaults.Launchers(new HashSet<string> { guest.Uid }))
        {
            seen.Add($"launcher {launcher.ProcessId} with QEMU {string.Join(' ', RealFaults.Inside(launcher, "qemu-system-x86"))}");
            seen.Add(await RunAsync("nsenter", "-t", $"{launcher.ProcessId}", "-n", "ping", "-c", "1", "-W", "2", "10.0.2.2"));
            seen.Add(await RunAsync("nsenter", "-t", $"{launcher.ProcessId}", "-n", "ip", "-br", "addr"));
            seen.Add(await RunAsync("nsenter", "-t", $"{launcher.ProcessId}", "-n", "nft", "list", "ruleset"));
        }

        var console = Console(cluster, guest.Uid);
        var panicked = console.Contains("Kernel panic", StringComparison.Ordinal);
        seen.Add(panicked ? $"its kernel panicked: {console[console.IndexOf("Kernel panic", StringComparison.Ordinal)..]}" : "its console shows no panic");
        return new Diagnosis(string.Join("; ", seen), panicked);
    }

    /// <summary>The end of what the guest wrote to its serial console in any of its pods.</summary>
    private static string Console(TroupeCluster cluster, string uid) => string.Concat(
        from node in Directory.EnumerateDirectories(Path.Combine(cluster.Root, "devcluster/kubelet"))
        from pod in Directory.EnumerateDirectories(Path.Combine(node, "pods"))
        let log = Path.Combine(pod, "volumes/kubernetes.io~empty-dir/private", uid, "virt-serial0-log")
        where File.Exists(log)
        let text = File.ReadAllText(log)
        select text[Math.Max(0, text.Length - LastWords)..]);

    private static async Task<string> AnswersAsync(string address)
    {
        using var http = new HttpClient { Timeout = Patience };
        try
        {
            return $"says {(await http.GetStringAsync($"http://{address}/cgi-bin/written")).Trim()}";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return $"does not answer ({e.Message})";
        }
    }

    private static async Task<string> RunAsync(string program, params string[] args)
    {
        try
        {
            var result = await Shell.RunAsync(program, args, timeout: Patience);
            return $"{string.Join(' ', args)}: {result.Output.Trim()} {result.Error.Trim()}";
        }
        catch (TimeoutException e)
        {
            return e.Message;
        }
    }
}
