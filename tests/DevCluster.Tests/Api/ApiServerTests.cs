using System.Diagnostics;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>The API server as kubectl and its in-process clients see it; no nodes.</summary>
public sealed class ApiServerTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-api-").FullName;
    private DevClusterHost _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_pod_of_a_service_account_that_is_not_there_is_refused()
    {
        await using var cluster = await TestCluster.StartAsync();
        var (code, status) = await cluster.SendAsync("POST", "/api/v1/namespaces/default/pods", TestCluster.Parse("""{"metadata":{"name":"p"},"spec":{"serviceAccountName":"none","containers":[{"name":"c","image":"i"}]}}"""));
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, code);
        Assert.Equal("pods \"p\" is forbidden: error looking up service account default/none: serviceaccount \"none\" not found", (string?)status["message"]);
    }

    [Fact]
    public async Task Kubectl_applies_reads_labels_and_deletes()
    {
        Assert.Contains("configmap/a created", await Kubectl("apply -f -", Manifest("a", "one")));
        Assert.Contains("configmap/a configured", await Kubectl("apply -f -", Manifest("a", "two")));
        Assert.Equal("two", await Kubectl("get cm a -o jsonpath={.data.k}"));
        await Kubectl("label cm a tier=front");
        Assert.Contains("configmap/a", await Kubectl("get cm -l tier=front -o name"));
        Assert.Contains("deleted", await Kubectl("delete cm a"));
        Assert.Contains("NotFound", await Kubectl("get cm a"));
    }

    [Fact]
    public async Task Two_creations_of_one_name_leave_one_object_and_one_AlreadyExists()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
        {
            try
            {
                await _cluster.Api.CreateAsync(ResourceKey.ConfigMaps, "default", ConfigMap("race", $"{n}"));
                return "created";
            }
            catch (ApiException e)
            {
                return e.Reason;
            }
        }));
        Assert.Single(outcomes, "created");
        Assert.Equal(19, outcomes.Count(o => o == "AlreadyExists"));
    }

    [Fact]
    public async Task A_stale_update_conflicts_and_server_side_apply_tells_whose_field_it_is()
    {
        var first = await _cluster.Api.CreateAsync(ResourceKey.ConfigMaps, "default", ConfigMap("stale", "1"));
        var changed = first.DeepClone().AsObject();
        changed["data"]!["k"] = "2";
        await _cluster.Api.UpdateAsync(ResourceKey.ConfigMaps, "default", "stale", changed);
        first["data"]!["k"] = "3";
        Assert.Equal("Conflict", (await Assert.ThrowsAsync<ApiException>(() => _cluster.Api.UpdateAsync(ResourceKey.ConfigMaps, "default", "stale", first))).Reason);

        await Kubectl("apply --server-side --field-manager=one -f -", Manifest("ssa", "1"));
        var refused = await Kubectl("apply --server-side --field-manager=two -f -", Manifest("ssa", "2"));
        Assert.Contains("conflict", refused);
        Assert.Contains("\"one\"", refused);
        Assert.Contains("serverside-applied", await Kubectl("apply --server-side --force-conflicts --field-manager=two -f -", Manifest("ssa", "2")));
    }

    [Fact]
    public async Task A_watch_tells_every_change_in_order_from_the_version_it_was_given()
    {
        var list = await _cluster.Api.ListAsync(ResourceKey.ConfigMaps, "default");
        for (var i = 0; i < 5; i++)
            await _cluster.Api.CreateAsync(ResourceKey.ConfigMaps, "default", ConfigMap($"w{i}", "1"));
        await _cluster.Api.DeleteAsync(ResourceKey.ConfigMaps, "default", "w0");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        List<string> seen = [];
        await foreach (var e in _cluster.Api.WatchAsync(ResourceKey.ConfigMaps, "default", new ListOptions { ResourceVersion = list.ResourceVersion }, patience.Token))
        {
            seen.Add($"{e.Type} {e.Object["metadata"]!["name"]}");
            if (seen.Count == 6)
                break;
        }

        Assert.Equal(["ADDED w0", "ADDED w1", "ADDED w2", "ADDED w3", "ADDED w4", "DELETED w0"], seen);
    }

    [Fact]
    public async Task An_object_of_ten_megabytes_and_a_malformed_one_are_refused_with_a_Status_and_leave_nothing()
    {
        var big = Path.Combine(_folder, "big.json");
        await File.WriteAllTextAsync(big, ConfigMap("big", new string('x', 10 << 20)).ToJsonString(), TestContext.Current.CancellationToken);
        Assert.Contains("too large", await Kubectl($"create --raw /api/v1/namespaces/default/configmaps -f {big}"), StringComparison.OrdinalIgnoreCase);
        await File.WriteAllTextAsync(big, "{\"apiVersion\":\"v1\",", TestContext.Current.CancellationToken);
        Assert.Contains("BadRequest", await Kubectl($"create --raw /api/v1/namespaces/default/configmaps -f {big}"));
        Assert.Contains("Invalid", await Kubectl("apply -f -", Manifest("Not_A_Name", "1")));
        Assert.Contains("NotFound", await Kubectl("get cm big"));
    }

    [Fact]
    public async Task Objects_and_resource_versions_go_on_after_a_restart()
    {
        await _cluster.Api.CreateAsync(ResourceKey.ConfigMaps, "default", ConfigMap("kept", "1"));
        var before = long.Parse((await _cluster.Api.ListAsync(ResourceKey.ConfigMaps)).ResourceVersion);
        await _cluster.DisposeAsync();
        _cluster = await StartAsync();
        Assert.Equal("1", (string?)(await _cluster.Api.GetAsync(ResourceKey.ConfigMaps, "default", "kept"))["data"]!["k"]);
        Assert.True(long.Parse((string)(await _cluster.Api.CreateAsync(ResourceKey.ConfigMaps, "default", ConfigMap("next", "1")))["metadata"]!["resourceVersion"]!) > before);
    }

    private Task<DevClusterHost> StartAsync() => DevClusterHost.StartAsync(new DevClusterOptions { StateDirectory = _folder });

    private static JsonObject ConfigMap(string name, string value) =>
        new() { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = name }, ["data"] = new JsonObject { ["k"] = value } };

    private static string Manifest(string name, string value) => ConfigMap(name, value).ToJsonString();

    /// <summary>Output and errors together: what a person would read.</summary>
    private async Task<string> Kubectl(string args, string? input = null)
    {
        var start = new ProcessStartInfo("kubectl", $"--kubeconfig {_cluster.Kubeconfig} {args}") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return await output + await error;
    }
}
