using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Tests.Api;
using Troupe.Tests.Shared;
using Xunit;

[assembly: AssemblyFixture(typeof(Troupe.DevCluster.Tests.Nodes.PodCluster))]

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>One cluster with two nodes for all tests that need pods; each test takes a namespace of its own. Started when first asked for.</summary>
public sealed class PodCluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-pods-").FullName;
    private readonly Lazy<Task<DevClusterHost>> _host;
    private int _namespaces;
    private Leftovers? _leftovers;

    public PodCluster() => _host = new Lazy<Task<DevClusterHost>>(StartAsync);

    public string StateDirectory => $"{_folder}/state";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_host.IsValueCreated)
        {
            await (await _host.Value).DisposeAsync();
            await NodeFleet.TeardownAsync(new NodeFleetOptions { StateDirectory = StateDirectory });
            _leftovers?.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    internal async Task<PodNamespace> NamespaceAsync()
    {
        var host = await _host.Value;
        var name = $"t{Interlocked.Increment(ref _namespaces)}";
        await host.Api.CreateAsync(ResourceKey.Namespaces, null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
        return new PodNamespace(host, name, _folder);
    }

    private async Task<DevClusterHost> StartAsync()
    {
        BusyboxImage.Write($"{_folder}/images");
        _leftovers = new Leftovers(_folder, Path.Combine(AppContext.BaseDirectory, "Troupe.DevCluster"), StateDirectory);
        return await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = StateDirectory, Nodes = 2, ImageStores = [$"{_folder}/images"] });
    }
}

/// <summary>A namespace of a test, with kubectl in it.</summary>
internal sealed record PodNamespace(DevClusterHost Host, string Name, string Folder)
{
    public IKubeApi Api => Host.Api;

    /// <summary>As in a YAML file; IMAGE stands for the test image.</summary>
    public async Task ApplyAsync(string yaml)
    {
        var said = await KubectlAsync("apply -f -", yaml.Replace("IMAGE", BusyboxImage.Name, StringComparison.Ordinal));
        if (said.Contains("rror", StringComparison.Ordinal)) throw new InvalidOperationException(said);
    }

    public Task<string> KubectlAsync(string arguments, string? input = null) => TestCluster.KubectlAsync(Host.Kubeconfig, Folder, $"-n {Name} {arguments}", input);

    /// <summary>kubectl with settings in its environment and its exit code.</summary>
    public async Task<(int Code, string Output)> RunAsync(string[] arguments, string? input = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("kubectl", [$"--kubeconfig={Host.Kubeconfig}", $"--cache-dir={Folder}/kubectl-cache", "-n", Name, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    /// <summary>What <c>kubectl get -o jsonpath</c> prints.</summary>
    public Task<string> ReadAsync(string what, string path) => KubectlAsync($"get {what} -o 'jsonpath={path}'");

    /// <summary>Waits until an object is as wanted; a failure says what it was last, and the namespace's events.</summary>
    public async Task<JsonObject> UntilAsync(ResourceKey kind, string name, Func<JsonObject, bool> wanted, int seconds = 60)
    {
        var deadline = Stopwatch.StartNew();
        JsonObject? last = null;
        while (deadline.Elapsed < TimeSpan.FromSeconds(seconds))
        {
            try
            {
                last = await Api.GetAsync(kind, Name, name);
                if (wanted(last)) return last;
            }
            catch (ApiException missing) when (missing.Code == 404)
            {
                last = null;
            }
            await Task.Delay(30);
        }
        throw new TimeoutException($"{kind} {name} is still {last?.ToJsonString() ?? "missing"}\n{await KubectlAsync("get events")}");
    }

    public Task<JsonObject> RunningAsync(string pod) => UntilAsync(ResourceKey.Pods, pod, p => Ready(p));

    public Task<JsonObject> PhaseAsync(string pod, string phase) => UntilAsync(ResourceKey.Pods, pod, p => p["status"]?["phase"]?.GetValue<string>() == phase);

    public async Task UntilLogAsync(string pod, string text, int seconds = 30)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            var log = await KubectlAsync($"logs {pod}");
            if (log.Contains(text, StringComparison.Ordinal)) return;
            if (deadline.Elapsed > TimeSpan.FromSeconds(seconds)) throw new TimeoutException($"no \"{text}\" in: {log}\n{await KubectlAsync("get events")}");
            await Task.Delay(50);
        }
    }

    /// <summary>Waits for an event whose message holds a text.</summary>
    public async Task EventAsync(string about, string text, int seconds = 30)
    {
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(seconds))
        {
            var events = (await Api.ListAsync(ResourceKey.Events, Name)).Items;
            if (events.Any(e => e["involvedObject"]!["name"]!.GetValue<string>() == about && $"{e["reason"]}: {e["message"]}".Contains(text, StringComparison.Ordinal))) return;
            await Task.Delay(50);
        }
        throw new TimeoutException($"no event \"{text}\" about {about}\n{await KubectlAsync("get events")}");
    }

    public async Task GoneAsync(ResourceKey kind, string name, bool namespaced = true)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                var obj = await Api.GetAsync(kind, namespaced ? Name : null, name);
                if (deadline.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException($"still there: {obj.ToJsonString()}");
            }
            catch (ApiException missing) when (missing.Code == 404)
            {
                return;
            }
            await Task.Delay(30);
        }
    }

    private static bool Ready(JsonObject pod) =>
        pod["status"]?["conditions"]?.AsArray().Any(c => c!["type"]!.GetValue<string>() == "Ready" && c["status"]!.GetValue<string>() == "True") == true;
}
