using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>What makes a cluster's host-side names unique: a random id and the second octet of its pod network 10.octet.0.0/16.</summary>
public sealed record ClusterIdentity(string Id, int Octet)
{
    public string CgroupRoot => $"/troupe-{Id}";
    public string NetnsPrefix => $"trp-{Id}-";
    public string Bridge(int node) => $"trp{Octet}n{node}";
    public string Gateway(int node) => $"10.{Octet}.{node}.1";
    public string PodCidr(int node) => $"10.{Octet}.{node}.0/24";
    public string Address(int node, int host) => $"10.{Octet}.{node}.{host}";

    public static ClusterIdentity? Load(StateLayout layout) =>
        File.Exists(layout.IdentityFile) ? JsonSerializer.Deserialize(File.ReadAllText(layout.IdentityFile), NodeFiles.Default.ClusterIdentity) : null;

    public void Save(StateLayout layout) => AtomicFile.Write(layout.IdentityFile, JsonSerializer.Serialize(this, NodeFiles.Default.ClusterIdentity));
}

/// <summary>The bridges of a cluster's nodes in the host's network namespace.</summary>
internal static class ClusterNetwork
{
    private const int FirstOctet = 32, Octets = 200;

    /// <summary>
    /// Makes the bridges node 1..<paramref name="nodes"/>, re-using those of an earlier run. The bridge of node 1 is the claim on the
    /// octet: creating a link of a taken name fails, so two clusters that start together cannot both have it.
    /// </summary>
    public static async Task<ClusterIdentity> ClaimAsync(StateLayout layout, int nodes, CancellationToken ct)
    {
        var identity = ClusterIdentity.Load(layout);
        if (identity is null || !await OwnsOrClaimsAsync(layout, identity, ct))
        {
            var id = identity?.Id ?? RandomNumberGenerator.GetHexString(6, lowercase: true);
            identity = await ClaimFreeOctetAsync(layout, id, ct);
            identity.Save(layout);
        }
        for (var node = 1; node <= nodes; node++)
        {
            if (node > 1 && !LinkExists(identity.Bridge(node))) await CreateBridgeAsync(layout, identity, node, ct);
            await ConfigureAsync(identity, node, ct);
        }
        return identity;
    }

    public static async Task RemoveAsync(StateLayout layout, ClusterIdentity identity)
    {
        var bridges = NetworkNames().Where(name => name.StartsWith($"trp{identity.Octet}n", StringComparison.Ordinal) && IsOurs(layout, name)).ToList();
        var veths = bridges.SelectMany(Ports).ToList();
        var spaces = Directory.Exists("/run/netns")
            ? Directory.EnumerateFileSystemEntries("/run/netns", identity.NetnsPrefix + "*").Select(path => Path.GetFileName(path)).ToList()
            : [];
        List<string> lines = [.. spaces.Select(name => $"netns del {name}"), .. veths.Concat(bridges).Select(name => $"link del {name}")];
        if (lines.Count > 0) await IpBatch.TryAsync(lines, force: true);
    }

    private static async Task<bool> OwnsOrClaimsAsync(StateLayout layout, ClusterIdentity identity, CancellationToken ct) =>
        LinkExists(identity.Bridge(1)) ? IsOurs(layout, identity.Bridge(1)) : (await TryCreateBridgeAsync(layout, identity, 1, ct)).Ok;

    private static async Task<ClusterIdentity> ClaimFreeOctetAsync(StateLayout layout, string id, CancellationToken ct)
    {
        var taken = await TakenOctetsAsync(ct);
        // A start that depends on the state directory spreads clusters that start at the same time.
        var start = SHA256.HashData(Encoding.UTF8.GetBytes(layout.Root))[0];
        CommandResult? last = null;
        for (var i = 0; i < Octets; i++)
        {
            var identity = new ClusterIdentity(id, FirstOctet + (start + i) % Octets);
            if (taken.Contains(identity.Octet) || LinkExists(identity.Bridge(1))) continue;
            last = await TryCreateBridgeAsync(layout, identity, 1, ct);
            if (last.Ok) return identity;
        }
        throw new HostException($"no free 10.x.0.0/16 network for the pods: {last?.Explanation ?? "all are in use"}");
    }

    private static async Task<HashSet<int>> TakenOctetsAsync(CancellationToken ct)
    {
        using var routes = JsonDocument.Parse(await Command.RequireAsync("ip", ["-j", "route", "show", "table", "all"], ct: ct));
        var taken = new HashSet<int>();
        foreach (var route in routes.RootElement.EnumerateArray())
        {
            var destination = route.TryGetProperty("dst", out var dst) ? dst.GetString()!.Split('/')[0] : "";
            if (IPAddress.TryParse(destination, out var address) && address.GetAddressBytes() is [10, var octet, _, _]) taken.Add(octet);
        }
        return taken;
    }

    private static async Task CreateBridgeAsync(StateLayout layout, ClusterIdentity identity, int node, CancellationToken ct)
    {
        var result = await TryCreateBridgeAsync(layout, identity, node, ct);
        if (!result.Ok) throw new HostException($"cannot create bridge {identity.Bridge(node)}: {result.Explanation}");
    }

    private static Task<CommandResult> TryCreateBridgeAsync(StateLayout layout, ClusterIdentity identity, int node, CancellationToken ct) =>
        // A fixed MAC keeps the gateway's address from changing with its ports; the alias says whose it is after a crash.
        IpBatch.TryAsync(
        [
            $"link add {identity.Bridge(node)} address 0a:58:0a:{identity.Octet:x2}:{node:x2}:01 type bridge forward_delay 0 stp_state 0",
            $"link set dev {identity.Bridge(node)} alias {Alias(layout)}",
        ], ct: ct);

    private static async Task ConfigureAsync(ClusterIdentity identity, int node, CancellationToken ct)
    {
        var bridge = identity.Bridge(node);
        await IpBatch.RunAsync([$"addr replace {identity.Gateway(node)}/24 dev {bridge}", $"link set {bridge} up"], ct: ct);
        // Forwarding only between our own bridges: the machine's global ip_forward stays as it is.
        await File.WriteAllTextAsync($"/proc/sys/net/ipv4/conf/{bridge}/forwarding", "1", ct);
    }

    private static IEnumerable<string> Ports(string bridge) =>
        Directory.Exists($"/sys/class/net/{bridge}/brif") ? Directory.EnumerateFileSystemEntries($"/sys/class/net/{bridge}/brif").Select(path => Path.GetFileName(path)) : [];

    private static IEnumerable<string> NetworkNames() => NetworkInterface.GetAllNetworkInterfaces().Select(link => link.Name);

    private static bool LinkExists(string name) => Directory.Exists($"/sys/class/net/{name}");

    private static bool IsOurs(StateLayout layout, string link)
    {
        var file = $"/sys/class/net/{link}/ifalias";
        return File.Exists(file) && File.ReadAllText(file).Trim() == Alias(layout);
    }

    /// <summary>An alias has room for 255 bytes and no spaces in a batch line, so long or odd paths are hashed.</summary>
    private static string Alias(StateLayout layout) => "troupe-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(layout.Root)))[..32];
}
