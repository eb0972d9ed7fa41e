using System.Text.Json.Nodes;

namespace Troupe.EndToEnd.Harness;

/// <summary>Multus with its dynamic networks controller, for one launcher pod: does what the pod's annotation says, and says so. The network is a wire to a namespace.</summary>
public sealed class DynamicNetworks(TroupeCluster cluster, string vmiUid, int processInPod) : IAsyncDisposable
{
    public const string PeerAddress = "198.51.100.1";
    private const string PodAddress = "198.51.100.2";
    private const string Networks = "k8s.v1.cni.cncf.io/networks";
    private readonly string _peer = $"tm-multus-{Guid.NewGuid().ToString("N")[..6]}";
    private bool _hasPeer;

    /// <summary>Waits until the network is asked for; answers with the name that its device is to have.</summary>
    public async Task<string> AttachAsync(string network)
    {
        var device = (await Eventually.Get($"the pod asks for {network}", AskedAsync, a => a.ContainsKey(network)))[network];
        if (!_hasPeer)
            (await Shell.RunAsync("ip", ["netns", "add", _peer])).Require();
        _hasPeer = true;
        await InPod("ip", "link", "add", device, "type", "veth", "peer", "name", "lan", "netns", _peer);
        foreach (var (address, name, run) in new (string, string, Func<string[], Task<string>>)[] { (PodAddress, device, InPod), (PeerAddress, "lan", InPeer) })
        {
            await run(["ip", "address", "add", $"{address}/24", "dev", name]);
            await run(["ip", "link", "set", "dev", name, "up"]);
        }

        await Tell($$"""[{"name":"default/{{network}}","interface":"{{device}}","ips":["{{PodAddress}}"]}]""");
        return device;
    }

    /// <summary>Waits until the network is not asked for any more.</summary>
    public async Task DetachAsync(string network, string device)
    {
        await Eventually.Get($"the pod does not ask for {network}", AskedAsync, a => !a.ContainsKey(network));
        // By name, as a CNI plugin does; it may be gone already.
        await Shell.RunAsync("nsenter", ["-t", $"{processInPod}", "-n", "ip", "link", "delete", "dev", device]);
        await Tell("[]");
    }

    public Task<string> LinksAsync() => InPod("ip", "-o", "link", "show");

    public async ValueTask DisposeAsync()
    {
        if (_hasPeer)
            await Shell.RunAsync("ip", ["netns", "delete", _peer]);
    }

    private async Task<Dictionary<string, string>> AskedAsync() => JsonNode.Parse((string?)(await PodAsync())["metadata"]!["annotations"]![Networks] ?? "[]")!.AsArray()
        .ToDictionary(n => (string)n!["name"]!, n => (string)n!["interface"]!);

    private async Task<JsonNode> PodAsync() =>
        JsonNode.Parse((await cluster.Kubectl("get", "pods", "-l", $"kubevirt.io/created-by={vmiUid}", "--field-selector=status.phase=Running", "-o", "json")).Require())!["items"]!.AsArray().Single()!;

    private async Task Tell(string status) =>
        (await cluster.Kubectl("annotate", "--overwrite", "pod", (string)(await PodAsync())["metadata"]!["name"]!, $"k8s.v1.cni.cncf.io/network-status={status}")).Require();

    private async Task<string> InPod(params string[] command) => (await Shell.RunAsync("nsenter", ["-t", $"{processInPod}", "-n", .. command])).Require();

    private async Task<string> InPeer(params string[] command) => (await Shell.RunAsync("ip", ["netns", "exec", _peer, .. command])).Require();
}
