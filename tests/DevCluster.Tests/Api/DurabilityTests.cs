using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Xunit;
using static Troupe.DevCluster.Tests.Api.TestCluster;

namespace Troupe.DevCluster.Tests.Api;

public sealed partial class DurabilityTests
{
    [Fact]
    public async Task A_kill_in_the_middle_of_writes_loses_nothing_that_was_acknowledged()
    {
        var folder = Directory.CreateTempSubdirectory("trp-kill-").FullName;
        try
        {
            var acknowledged = new ConcurrentDictionary<string, long>();
            var (process, url) = await ServeAsync(folder);
            using (var client = Admin(folder, url))
            {
                var killed = false;
                var writers = Enumerable.Range(0, 8).Select(async w =>
                {
                    try
                    {
                        for (var i = 0; !Volatile.Read(ref killed); i++)
                        {
                            var response = await client.PostAsync(ConfigMaps, new StringContent(ConfigMap($"w{w}-{i}").ToJsonString(), Encoding.UTF8, "application/json"));
                            if (response.StatusCode == HttpStatusCode.Created)
                                acknowledged[$"w{w}-{i}"] = long.Parse(JsonNode.Parse(await response.Content.ReadAsStringAsync()).Str("metadata", "resourceVersion")!);
                        }
                    }
                    catch (HttpRequestException)
                    {
                        // Killed.
                    }
                }).ToList();
                var watch = Stopwatch.StartNew();
                while (acknowledged.Count < 300)
                {
                    Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), "writes come through");
                    await Task.Delay(10);
                }
                process.Kill();
                Volatile.Write(ref killed, true);
                await process.WaitForExitAsync();
                await Task.WhenAll(writers);
            }
            process.Dispose();

            await using var again = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = folder });
            var list = await again.Api.ListAsync(ResourceKey.ConfigMaps, "default");
            var kept = list.Items.ToDictionary(i => i.Str("metadata", "name")!, i => long.Parse(i.Str("metadata", "resourceVersion")!));
            Assert.All(acknowledged, a => Assert.Equal(a.Value, kept.GetValueOrDefault(a.Key)));
            Assert.True(long.Parse(list.ResourceVersion) >= acknowledged.Values.Max());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task After_a_restart_a_watch_goes_on_from_its_bookmark_and_an_older_one_is_Gone()
    {
        var folder = Directory.CreateTempSubdirectory("trp-restart-").FullName;
        try
        {
            string before, last;
            await using (var first = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = folder }))
            {
                before = (await first.Api.CreateAsync(ResourceKey.Leases, "default", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "a" } })).Str("metadata", "resourceVersion")!;
                await first.Api.CreateAsync(ResourceKey.Leases, "default", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "b" } });
                last = (await first.Api.ListAsync(ResourceKey.Leases)).ResourceVersion;
            }
            await using var second = await DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = folder });
            await second.Api.DeleteAsync(ResourceKey.Leases, "default", "b");
            Assert.Equal("DELETED", (await FirstAsync(second, last)).Type);
            var gone = await FirstAsync(second, before);
            Assert.Equal(("ERROR", 410L), (gone.Type, gone.Object.Int("code")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Two_servers_never_share_a_state_directory()
    {
        await using var cluster = await TestCluster.StartAsync();
        await Assert.ThrowsAsync<IOException>(() => DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = cluster.StateDirectory }));
    }

    [Fact]
    public async Task A_signal_ends_the_executable_cleanly()
    {
        var folder = Directory.CreateTempSubdirectory("trp-term-").FullName;
        try
        {
            var (process, _) = await ServeAsync(folder);
            using (process)
            {
                using (var kill = Process.Start("kill", $"-TERM {process.Id}"))
                    await kill.WaitForExitAsync();
                await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
                Assert.Equal(0, process.ExitCode);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<WatchEvent> FirstAsync(DevClusterHost cluster, string version)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var e in cluster.Api.WatchAsync(ResourceKey.Leases, null, new ListOptions { ResourceVersion = version }, patience.Token))
            return e;
        throw new InvalidOperationException("the watch ended");
    }

    private static HttpClient Admin(string state, string url)
    {
        var pki = Path.Combine(state, "pki");
        return Client(url,
            System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(pki, "ca.crt"))),
            System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(Path.Combine(pki, "admin.crt"), Path.Combine(pki, "admin.key")));
    }

    private static async Task<(Process Process, string Url)> ServeAsync(string state)
    {
        var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Troupe.DevCluster"), $"serve --state {state} --port 0 --nodes 0")
        {
            RedirectStandardOutput = true,
        })!;
        var url = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text && Served().Match(text) is { Success: true } match)
                url.TrySetResult(match.Value);
        };
        process.BeginOutputReadLine();
        return (process, await url.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [GeneratedRegex(@"https://127\.0\.0\.1:\d+")]
    private static partial Regex Served();
}
