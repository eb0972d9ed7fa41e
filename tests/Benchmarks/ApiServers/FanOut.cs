using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Troupe.Benchmarks.ApiServers;

/// <summary>Many watchers of one object: how long after a write was sent its event arrives at each of them.</summary>
public sealed class FanOut(HttpClient http)
{
    private const string Path = "/api/v1/namespaces/default/configmaps";
    private const string Marker = "\"sent\":\"";

    /// <returns>Milliseconds, one for each event at each watcher.</returns>
    public async Task<IReadOnlyCollection<double>> RunAsync(int watchers, int events)
    {
        (await http.PostAsync(Path, Json("""{"metadata":{"name":"fan-out"},"data":{}}"""))).EnsureSuccessStatusCode();
        var ready = Enumerable.Range(0, watchers).Select(_ => new TaskCompletionSource()).ToList();
        var readers = ready.Select(r => ReadAsync(events, r)).ToList();
        await Task.WhenAll(ready.Select(r => r.Task));
        for (var i = 0; i < events; i++)
        {
            using var patch = new HttpRequestMessage(HttpMethod.Patch, Path + "/fan-out") { Content = Json($$$"""{"data":{"sent":"{{{Stopwatch.GetTimestamp()}}}"}}""", "application/merge-patch+json") };
            (await http.SendAsync(patch)).EnsureSuccessStatusCode();
            // A pace that both servers keep up with: the delay of delivery is measured, not that of a queue.
            await Task.Delay(10);
        }
        return [.. (await Task.WhenAll(readers)).SelectMany(r => r)];
    }

    private async Task<List<double>> ReadAsync(int events, TaskCompletionSource ready)
    {
        using var response = await http.GetAsync(Path + "?watch=1&fieldSelector=metadata.name=fan-out", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var delays = new List<double>(events);
        while (delays.Count < events && await lines.ReadLineAsync() is { } line)
        {
            var now = Stopwatch.GetTimestamp();
            var at = line.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
            if (at < Marker.Length)
                ready.TrySetResult();
            else
                delays.Add(Stopwatch.GetElapsedTime(long.Parse(line.AsSpan(at, line.IndexOf('"', at) - at), CultureInfo.InvariantCulture), now).TotalMilliseconds);
        }
        return delays;
    }

    private static StringContent Json(string body, string type = "application/json") => new(body, Encoding.UTF8, type);
}
