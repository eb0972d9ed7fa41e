using System.Net.WebSockets;
using System.Text;
using Troupe.EndToEnd.Harness;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>Console and VNC as KubeVirt's own clients use them: websockets of the subprotocol `plain.kubevirt.io` on the aggregated API.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class SubresourceTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task The_serial_console_answers_virtctl_where_there_is_one_and_its_protocol_everywhere()
    {
        (await Cluster.Apply(Manifests.Demo("spoken-to"))).Require();
        await Cluster.Phase("spoken-to", "Running");
        await using (var ours = new ConsoleSession(Cluster, "spoken-to"))
            await ours.LogIn();

        if (ConsoleSession.Virtctl is not null)
        {
            await using var theirs = ConsoleSession.OfVirtctl(Cluster, "spoken-to");
            Assert.Contains("Linux", await theirs.Run("uname"));
        }

        await AssertVnc("spoken-to");
        (await Cluster.Kubectl("delete", "vmi", "spoken-to", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_console_of_a_VMI_that_is_not_there_is_refused_by_name()
    {
        var refused = await Shell.RunAsync(TroupeCluster.DevClusterBinary, ["console", "--kubeconfig", Cluster.Kubeconfig, "nobody"]);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("nobody", refused.Error + refused.Output);
    }

    private async Task AssertVnc(string vmi)
    {
        using var proxy = Shell.Start("kubectl", ["--kubeconfig", Cluster.Kubeconfig, "proxy", "--port=0"]);
        try
        {
            // Starting to serve on 127.0.0.1:34567
            var address = (await proxy.StandardOutput.ReadLineAsync())!.Split(' ')[^1];
            using var socket = new ClientWebSocket();
            socket.Options.AddSubProtocol("plain.kubevirt.io");
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await socket.ConnectAsync(new Uri($"ws://{address}/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/{vmi}/vnc"), deadline.Token);
            Assert.Equal("plain.kubevirt.io", socket.SubProtocol);
            var buffer = new byte[64];
            var greeting = await socket.ReceiveAsync(buffer, deadline.Token);
            Assert.Equal("RFB 003.008\n", Encoding.ASCII.GetString(buffer, 0, greeting.Count));
        }
        finally
        {
            proxy.Kill();
            await proxy.WaitForExitAsync();
        }
    }
}
