using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.Tests.Shared;

namespace Troupe.EndToEnd.Harness;

/// <summary>The parts of a Troupe installation that a test may kill and start again.</summary>
public enum Part { DevCluster, ControlPlane, ControlPlane2, ControlPlane3, NodeAgent1, NodeAgent2 }

/// <summary>
/// A whole Troupe from the published binaries (<c>./dev test</c> makes them), each part a process of its own with its state in a
/// temporary folder. Disposing it ends the processes and tears the nodes down.
/// </summary>
public sealed class TroupeCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);
    private readonly Dictionary<Part, Process> _processes = [];
    private readonly int _apiPort = Ports.Free();
    private readonly ReplicatedControlPlane? _replicas;
    private readonly int _akkaPort = Ports.Free();
    private readonly int _subresourcePort = Ports.Free();
    private readonly Leftovers _leftovers;

    private TroupeCluster(string root, ReplicatedControlPlane? replicas) =>
        (Root, _replicas, _leftovers) = (root, replicas, new Leftovers(root, DevClusterBinary, Path.Combine(root, "devcluster")));

    public static string DevDirectory { get; } = Environment.GetEnvironmentVariable("TROUPE_DEV_DIR")
        ?? Path.Combine(RepositoryRoot(), ".dev");

    public string Root { get; }

    /// <summary>Counts from the next start of a control plane on.</summary>
    public string LauncherImage { get; set; } = "registry.troupe.local/virt-launcher:latest";

    /// <summary>Images of this cluster alone, one folder each.</summary>
    public string ImageStore => Path.Combine(Root, "images");

    public string Kubeconfig => Path.Combine(Root, "kubeconfig");

    /// <summary>Of one of Troupe's own accounts.</summary>
    public string KubeconfigOf(string account) => Path.Combine(Root, $"{account}.kubeconfig");

    public static string DevClusterBinary => Path.Combine(DevDirectory, "bin/devcluster/Troupe.DevCluster");

    public static string RepositoryRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Troupe.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("not inside the repository");
        return directory;
    }

    /// <param name="replicas">Instead of one control plane with SQLite whose peers are reached without TLS.</param>
    public static async Task<TroupeCluster> StartAsync(int nodes = 2, ReplicatedControlPlane? replicas = null)
    {
        var cluster = new TroupeCluster(Directory.CreateTempSubdirectory("trp-e2e-").FullName, replicas);
        try
        {
            cluster.Start(Part.DevCluster);
            await Eventually("the API server", () => cluster.KubectlSucceeds("get", "--raw", "/readyz"));
            (await Shell.RunAsync(Path.Combine(RepositoryRoot(), "tools/accounts.sh"), [cluster.Kubeconfig, cluster.Root])).Require();
            if (replicas is not null)
                (await cluster.Apply(replicas.Endpoints)).Require();
            foreach (var part in replicas is null ? [Part.ControlPlane] : ReplicatedControlPlane.Parts)
                cluster.Start(part);
            cluster.Start(Part.NodeAgent1);
            if (nodes > 1)
                cluster.Start(Part.NodeAgent2);
            await Eventually("the VMI API", () => cluster.KubectlSucceeds("get", "vmi"));
            await Eventually("schedulable nodes", async () =>
                (await cluster.Kubectl("get", "nodes", "-l", "kubevirt.io/schedulable=true", "-o", "name")).Output
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries).Length >= nodes);
            await Eventually("the subresource API", () => cluster.KubectlSucceeds("get", "--raw", "/apis/subresources.kubevirt.io/v1"));
            // The Service's endpoints are those of all replicas from the beginning, also of one that is not there yet.
            foreach (var part in replicas is null ? [] : ReplicatedControlPlane.Parts)
                await Eventually($"{part} ready", () => replicas!.IsReadyAsync(part));
            return cluster;
        }
        catch (Exception e)
        {
            var logs = cluster.Logs();
            await cluster.DisposeAsync();
            throw new InvalidOperationException($"Troupe did not start: {e.Message}\n{logs}", e);
        }
    }

    public void Start(Part part)
    {
        var (program, args) = CommandLine(part);
        var process = new Process { StartInfo = new ProcessStartInfo("/bin/sh") { UseShellExecute = false } };
        // The shell only redirects: exec keeps the pid, so that a kill hits the part itself.
        process.StartInfo.ArgumentList.Add("-c");
        process.StartInfo.ArgumentList.Add($"exec \"$0\" \"$@\" >>'{LogFile(part)}' 2>&1 </dev/null");
        process.StartInfo.ArgumentList.Add(Path.Combine(DevDirectory, "bin", program));
        foreach (var arg in args)
            process.StartInfo.ArgumentList.Add(arg);
        process.Start();
        _processes[part] = process;
    }

    /// <summary>kill -9, as a crash or the OOM killer would.</summary>
    public async Task KillAsync(Part part)
    {
        var process = _processes[part];
        process.Kill();
        await process.WaitForExitAsync();
    }

    public int ProcessId(Part part) => _processes[part].Id;

    public Task<ShellResult> Kubectl(params string[] args) => Shell.RunAsync("kubectl", ["--kubeconfig", Kubeconfig, .. args]);

    public Task<ShellResult> Apply(string manifest) => Shell.RunAsync("kubectl", ["--kubeconfig", Kubeconfig, "apply", "-f", "-"], manifest);

    public async Task<JsonNode?> Get(string resource, string name)
    {
        var result = await Kubectl("get", resource, name, "-o", "json", "--ignore-not-found");
        return result.ExitCode == 0 && result.Output.Length > 0 ? JsonNode.Parse(result.Output) : null;
    }

    /// <exception cref="TimeoutException">With the VMI's status and the tails of all logs.</exception>
    public async Task<JsonNode> Phase(string vmi, string phase, TimeSpan? within = null)
    {
        try
        {
            return (await Harness.Eventually.Get($"phase {phase} of {vmi}", () => Get("vmi", vmi),
                o => (string?)o?["status"]?["phase"] == phase, within ?? TimeSpan.FromSeconds(120)))!;
        }
        catch (TimeoutException e)
        {
            var pods = await Kubectl("get", "pods,events", "-o", "wide");
            throw new TimeoutException($"{e.Message}\n{pods.Output}\n{Logs()}");
        }
    }

    /// <exception cref="TimeoutException">With the migration, its VMI's state, the pods and the tails of all logs.</exception>
    public async Task<JsonNode> MigrationPhase(string migration, string phase, TimeSpan? within = null)
    {
        try
        {
            var ended = await Harness.Eventually.Get($"phase {phase} of {migration}", () => Get("vmim", migration),
                o => (string?)o?["status"]?["phase"] is "Succeeded" or "Failed" || (string?)o?["status"]?["phase"] == phase, within ?? TimeSpan.FromSeconds(120));
            return (string?)ended!["status"]!["phase"] == phase ? ended : throw new TimeoutException($"{migration} ended otherwise: {ended["status"]}");
        }
        catch (TimeoutException e)
        {
            var state = await Kubectl("get", "vmi,pods,events", "-o", "wide");
            throw new TimeoutException($"{e.Message}\n{state.Output}\n{Logs()}");
        }
    }

    public static Task Eventually(string what, Func<Task<bool>> holds) => Harness.Eventually.True(what, holds, StartTimeout);

    public async Task<bool> KubectlSucceeds(params string[] args) => (await Kubectl(["--request-timeout=5s", .. args])).ExitCode == 0;

    /// <summary>Pids of the QEMU processes whose command line names the VMI.</summary>
    public static IReadOnlyList<int> QemuOf(string vmiUid) =>
        [.. Process.GetProcessesByName("qemu-system-x86").Concat(Process.GetProcessesByName("qemu-system-x86_64"))
            .Where(p => CommandLine(p.Id).Contains(vmiUid, StringComparison.Ordinal)).Select(p => p.Id).Distinct()];

    public string Logs(int lines = 25)
    {
        var tails = from file in Directory.EnumerateFiles(Root, "*.log")
                    select $"--- {Path.GetFileName(file)}\n{string.Join('\n', File.ReadLines(file).TakeLast(lines))}";
        return string.Join('\n', tails);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes.Values.Where(p => !p.HasExited))
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        var teardown = await Shell.RunAsync(DevClusterBinary, ["teardown", "--state", Path.Combine(Root, "devcluster")]);
        teardown.Require();
        _leftovers.Dispose();
        if (Environment.GetEnvironmentVariable("TROUPE_KEEP") is null)
            Directory.Delete(Root, recursive: true);
    }

    public string LogFile(Part part) => Path.Combine(Root, $"{part}.log");

    private (string Program, string[] Args) CommandLine(Part part) => part switch
    {
        Part.DevCluster => ("devcluster/Troupe.DevCluster",
            ["serve", "--state", Path.Combine(Root, "devcluster"), "--port", $"{_apiPort}", "--kubeconfig", Kubeconfig, "--nodes", "2",
                "--image-store", Path.Combine(DevDirectory, "images"), "--image-store", ImageStore]),
        Part.ControlPlane or Part.ControlPlane2 or Part.ControlPlane3 => ("controlplane/Troupe.ControlPlane",
            ["--kubeconfig", KubeconfigOf("kubevirt-controller"), "--service-namespace", "kubevirt", "--state", Path.Combine(Root, $"{part}".ToLowerInvariant()),
                "--launcher-image", LauncherImage,
                .. _replicas?.Arguments(part) ?? ["--akka-port", $"{_akkaPort}", "--api-port", $"{_subresourcePort}"]]),
        Part.NodeAgent1 => NodeAgent("node-1"),
        Part.NodeAgent2 => NodeAgent("node-2"),
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, null),
    };

    private (string Program, string[] Args) NodeAgent(string node) => ("nodeactors/Troupe.NodeActors",
        ["--node", node, "--kubeconfig", KubeconfigOf("kubevirt-handler"), "--kubelet-root", Path.Combine(Root, "devcluster/kubelet", node),
            "--launcher", Path.Combine(DevDirectory, "bin/launcher/virt-launcher"), "--state", Path.Combine(Root, node),
            .. _replicas?.AgentArguments(node) ?? ["--contact-points", $"akka.tcp://troupe@127.0.0.1:{_akkaPort}"]]);

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
