using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>A pod's place in the network; a host-network pod has no namespace of its own.</summary>
public sealed record PodAddress(string Ip, string? Netns, string? Veth)
{
    public string? NetnsPath => Netns is null ? null : $"/run/netns/{Netns}";
}

/// <summary>Pod addresses of one node: hands them out, and makes and removes the namespaces and veth pairs.</summary>
public sealed class PodNetwork(ClusterIdentity identity, int node)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> hosts = [];
    private int last = 1;

    public string HostIp => identity.Gateway(node);

    /// <summary>Takes over the address of a pod that is already there.</summary>
    public void Adopt(string podUid, PodAddress address)
    {
        if (address.Netns is null) return;
        lock (gate) hosts[podUid] = int.Parse(address.Ip[(address.Ip.LastIndexOf('.') + 1)..], null);
    }

    /// <summary>Picks the address; nothing exists yet, so that the caller can note it down before it does.</summary>
    public PodAddress Reserve(string podUid, bool hostNetwork)
    {
        if (hostNetwork) return new PodAddress(HostIp, null, null);
        lock (gate)
        {
            if (!hosts.TryGetValue(podUid, out var host))
            {
                var used = hosts.Values.ToHashSet();
                // Round robin: a just released address is not given at once to another pod (stale ARP, stale connections).
                host = Enumerable.Range(0, 253).Select(i => 2 + (last - 1 + i) % 253).FirstOrDefault(candidate => !used.Contains(candidate));
                if (host == 0) throw new HostException($"no free pod address in {identity.PodCidr(node)}");
                hosts[podUid] = last = host;
            }
            return new PodAddress(identity.Address(node, host), $"{identity.NetnsPrefix}{node}-{host}", $"trp{identity.Octet}v{node:x2}{host:x2}");
        }
    }

    public async Task CreateAsync(PodAddress address, CancellationToken ct)
    {
        if (address is not { Netns: { } netns, Veth: { } veth }) return;
        await IpBatch.RunAsync(
        [
            $"netns add {netns}",
            $"link add {veth} type veth peer name eth0 netns {netns}",
            $"link set {veth} master {identity.Bridge(node)} up",
            // Where bridged packets pass through nftables (br_netfilter), one that a pod sends to its own service goes back out of the port that it came from.
            $"link set {veth} type bridge_slave hairpin on",
        ], ct: ct);
        await IpBatch.RunAsync(
        [
            "link set lo up",
            $"addr add {address.Ip}/24 dev eth0",
            "link set eth0 up",
            $"route add default via {identity.Gateway(node)}",
        ], netns, ct);
    }

    /// <summary>Whether what <see cref="CreateAsync"/> makes is still there (a reboot takes it away).</summary>
    public static bool Exists(PodAddress address) =>
        address.NetnsPath is not { } path || (File.Exists(path) && Directory.Exists($"/sys/class/net/{address.Veth}"));

    public async Task RemoveAsync(string podUid, PodAddress address)
    {
        if (address is { Netns: { } netns, Veth: { } veth })
            // The veth goes first and by name: a namespace is freed by the kernel only some time after its last user.
            await IpBatch.TryAsync([$"link del {veth}", $"netns del {netns}"], force: true);
        lock (gate) hosts.Remove(podUid);
    }
}
