using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>`kubectl proxy`, so that the benchmark's own client costs as little as possible.</summary>
internal sealed class ApiProxy : IAsyncDisposable
{
    private const string Vmis = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances";
    private const string Migrations = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancemigrations";
    private readonly Process _process;
    private readonly HttpClient _http;

    private ApiProxy(Process process, Uri address)
    {
        _process = process;
        _http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
    }

    public static async Task<ApiProxy> StartAsync(string kubeconfig)
    {
        var process = Shell.Start("kubectl", ["--kubeconfig", kubeconfig, "proxy", "--port=0"]);
        // Starting to serve on 127.0.0.1:34567
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("kubectl proxy did not start");
        return new ApiProxy(process, new Uri("http://" + line.Split(' ')[^1]));
    }

    public Task Create(string json) => Post(Vmis, json);

    public Task CreateMachine(string json) => Post("/apis/kubevirt.io/v1/namespaces/default/virtualmachines", json);

    /// <summary>The events of a watch, as they come.</summary>
    public async IAsyncEnumerable<JsonNode> Watch(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var stream = await _http.GetStreamAsync(path, ct);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(ct) is { } line)
            yield return JsonNode.Parse(line)!;
    }

    public async Task Delete(string name)
    {
        using var response = await _http.DeleteAsync($"{Vmis}/{name}");
        response.EnsureSuccessStatusCode();
    }

    public Task<string> Metrics() => _http.GetStringAsync("/metrics");

    /// <summary>Creates the VMIs at once and follows the watch; the times are from each create call to the event that says Running.</summary>
    public async Task<List<TimeSpan>> TimeToRunning(IReadOnlyCollection<string> names, Func<string, string> vmi)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        await using var stream = await _http.GetStreamAsync($"{Vmis}?watch=true", deadline.Token);
        using var reader = new StreamReader(stream);
        var created = new Dictionary<string, long>();
        foreach (var name in names)
            created[name] = 0;
        var creating = Task.WhenAll(names.Select(name =>
        {
            created[name] = Stopwatch.GetTimestamp();
            return Create(vmi(name));
        }));
        Dictionary<string, TimeSpan> running = [];
        while (running.Count < names.Count && await reader.ReadLineAsync(deadline.Token) is { } line)
        {
            var vmiObject = JsonNode.Parse(line)!["object"]!;
            var name = (string?)vmiObject["metadata"]?["name"];
            var phase = (string?)vmiObject["status"]?["phase"];
            if (phase is "Failed")
                throw new InvalidOperationException($"{name} failed: {vmiObject["status"]}");
            if (phase is "Running" && name is not null && created.TryGetValue(name, out var since) && !running.ContainsKey(name))
                running[name] = Stopwatch.GetElapsedTime(since);
        }

        await creating;
        return [.. running.Values];
    }

    /// <summary>Creates a migration and follows the watch until it is over.</summary>
    /// <returns>Its phases as they were seen, each with the time since the create call.</returns>
    public async Task<IReadOnlyList<(string Phase, TimeSpan At)>> Migrate(string name, string vmi)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await using var stream = await _http.GetStreamAsync($"{Migrations}?watch=true", deadline.Token);
        using var reader = new StreamReader(stream);
        var created = Stopwatch.GetTimestamp();
        await Post(Migrations, $$"""{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstanceMigration","metadata":{"name":"{{name}}","namespace":"default"},"spec":{"vmiName":"{{vmi}}"} }""");
        List<(string, TimeSpan)> phases = [];
        while (await reader.ReadLineAsync(deadline.Token) is { } line)
        {
            var migration = JsonNode.Parse(line)!["object"]!;
            if ((string?)migration["metadata"]?["name"] != name || (string?)migration["status"]?["phase"] is not { Length: > 0 } phase || (phases.Count > 0 && phases[^1].Item1 == phase))
                continue;
            phases.Add((phase, Stopwatch.GetElapsedTime(created)));
            if (phase is "Succeeded" or "Failed")
                return phases;
        }

        throw new IOException("the watch ended before the migration");
    }

    private async Task Post(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(path, content);
        response.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
    }
}
