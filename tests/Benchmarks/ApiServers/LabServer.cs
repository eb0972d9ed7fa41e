using System.Diagnostics;
using System.Globalization;
using Troupe.Conformance.Harness;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks.ApiServers;

/// <summary>
/// kube-apiserver and etcd, started by the k8s-lab kit (its folder in K8S_LAB_KIT, what it built in K8S_LAB) with ports of its own, so
/// that a lab which is up already stays as it is.
/// </summary>
public sealed class LabServer : IServerUnderTest
{
    private readonly string _state;

    private LabServer(string state) => _state = state;

    private static string Kit => Environment.GetEnvironmentVariable("K8S_LAB_KIT") ?? "../shared/k8s-lab";

    private static string Lab => Environment.GetEnvironmentVariable("K8S_LAB") ?? "";

    /// <summary>Why it can't be started, or null.</summary>
    public static string? Missing =>
        Lab.Length == 0 ? "K8S_LAB is not set to a folder in which the k8s-lab kit has built one"
        : !File.Exists(Path.Combine(Lab, "bin/kube-apiserver")) ? $"{Lab}/bin/kube-apiserver is not there; run the kit's install.sh api"
        : !File.Exists(Path.Combine(Kit, "up.sh")) ? $"{Kit}/up.sh is not there; set K8S_LAB_KIT"
        : null;

    public HttpClient Http { get; private set; } = null!;

    public TimeSpan StartTime { get; private set; }

    public static async Task<LabServer> StartAsync()
    {
        var server = new LabServer(Directory.CreateTempSubdirectory("trp-lab-").FullName);
        File.CreateSymbolicLink(Path.Combine(server._state, "bin"), Path.GetFullPath(Path.Combine(Lab, "bin")));
        // The first start makes keys and certificates, as for the other.
        await server.RunAsync("up.sh api");
        await server.RunAsync("down.sh");
        var clock = Stopwatch.StartNew();
        var up = server.RunAsync("up.sh api");
        server.Http = (await ServerAccess.ReadAsync(Path.Combine(server._state, "kubeconfig"))).Client();
        await Readiness.WaitAsync(server.Http, clock);
        server.StartTime = clock.Elapsed;
        await up;
        return server;
    }

    public double RssMiB() => Directory.GetFiles(Path.Combine(_state, "run"), "*.pid")
        .Sum(file => ProcessUsage.Of(int.Parse(File.ReadAllText(file).Split(' ')[0], CultureInfo.InvariantCulture)).RssMiB);

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        await RunAsync("down.sh --wipe");
        Directory.Delete(_state, recursive: true);
    }

    private async Task RunAsync(string script)
    {
        string[] settings = [$"K8S_LAB={_state}", "API_PORT=26443", "ETCD_PORT=22379", "ETCD_PEER_PORT=22380"];
        (await Shell.RunAsync("env", [.. settings, "bash", .. $"{Path.GetFullPath(Kit)}/{script}".Split(' ')], timeout: TimeSpan.FromMinutes(3))).Require();
    }
}
