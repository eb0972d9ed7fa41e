using System.Diagnostics;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Tests.Api;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class LeftoversTests
{
    [Fact]
    public async Task What_a_killed_test_process_leaves_is_removed_with_its_pods_networks_and_folder()
    {
        var folder = Directory.CreateTempSubdirectory("trp-left-").FullName;
        BusyboxImage.Write($"{folder}/images");
        var program = Path.Combine(AppContext.BaseDirectory, "Troupe.DevCluster");
        using var server = Process.Start(new ProcessStartInfo(program, ["serve", "--state", $"{folder}/state", "--port", "0", "--nodes", "1", "--kubeconfig", $"{folder}/kubeconfig", "--image-store", $"{folder}/images"]) { RedirectStandardOutput = true })!;
        var guard = new Leftovers(folder, program, $"{folder}/state");
        await EventuallyAsync(() => File.Exists($"{folder}/kubeconfig"), "served");
        await EventuallyAsync(async () => (await TestCluster.KubectlAsync($"{folder}/kubeconfig", folder, "get sa default")).Contains("default", StringComparison.Ordinal), "an account");
        await TestCluster.KubectlAsync($"{folder}/kubeconfig", folder, "apply -f -", $$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"{{BusyboxImage.Name}}","command":["sleep","1000"]}]} }""");
        Assert.Contains("condition met", await TestCluster.KubectlAsync($"{folder}/kubeconfig", folder, "wait --for=condition=Ready pod/p --timeout=60s"));
        var identity = Troupe.DevCluster.Nodes.Network.ClusterIdentity.Load(StateLayout.Of($"{folder}/state"))!;
        Assert.True(Troupe.DevCluster.Nodes.Host.ControlGroups.Exists(identity.CgroupRoot));

        guard.Abandon();
        await EventuallyAsync(() => !Directory.Exists(folder), "removed");
        Assert.True(server.HasExited);
        Assert.False(Troupe.DevCluster.Nodes.Host.ControlGroups.Exists(identity.CgroupRoot));
        Assert.False(Directory.Exists($"/sys/class/net/{identity.Bridge(1)}"));
        Assert.Empty(Directory.EnumerateFileSystemEntries("/run/netns", identity.NetnsPrefix + "*"));
    }

    private static Task EventuallyAsync(Func<bool> condition, string what) => EventuallyAsync(() => Task.FromResult(condition()), what);

    private static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        var deadline = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(90), what);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
