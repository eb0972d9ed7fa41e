using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Troupe.Conformance.Harness;

namespace Troupe.Benchmarks.ApiServers;

/// <summary>The published DevCluster without nodes, as a process of its own.</summary>
public sealed class DevClusterServer : IServerUnderTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-bench-api-").FullName;
    private readonly int _port;
    private Process _process = null!;

    private DevClusterServer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _port = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public HttpClient Http { get; private set; } = null!;

    public TimeSpan StartTime { get; private set; }

    public static async Task<DevClusterServer> StartAsync()
    {
        var server = new DevClusterServer();
        // The first start makes keys and certificates; what is measured is the one of every day.
        await server.LaunchAsync();
        await server.RestartAfterKillAsync();
        return server;
    }

    public async Task RestartAfterKillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Http.Dispose();
        await LaunchAsync();
    }

    public double RssMiB() => ProcessUsage.Of(_process.Id).RssMiB;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task LaunchAsync()
    {
        var kubeconfig = Path.Combine(_folder, "kubeconfig");
        var program = Path.Combine(Environment.GetEnvironmentVariable("TROUPE_DEV_DIR") ?? ".dev", "bin/devcluster/Troupe.DevCluster");
        var known = File.Exists(kubeconfig) ? await ServerAccess.ReadAsync(kubeconfig) : null;
        var clock = Stopwatch.StartNew();
        // As tools/lib.sh starts it.
        var start = new ProcessStartInfo(program, ["serve", "--state", Path.Combine(_folder, "state"), "--port", $"{_port}", "--nodes", "0", "--kubeconfig", kubeconfig]);
        start.Environment["DOTNET_GCgen0size"] = "0x1000000";
        _process = Process.Start(start)!;
        while (known is null)
        {
            await Task.Delay(20);
            known = File.Exists(kubeconfig) ? await ServerAccess.ReadAsync(kubeconfig) : null;
        }
        Http = known.Client();
        await Readiness.WaitAsync(Http, clock);
        StartTime = clock.Elapsed;
    }
}
