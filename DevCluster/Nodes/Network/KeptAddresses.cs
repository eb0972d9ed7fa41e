using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>
/// What a network with IP fail-over for virtual machines does: once a pod is marked as the one where a moved guest runs, the addresses that
/// it asks to keep lead to it, wherever they were handed out. Nothing has to be remembered: the pods say it all.
/// </summary>
internal sealed class KeptAddresses(IKubeApi api, ClusterIdentity identity, Func<int, PodNetwork?> networks, TimeProvider time, ILogger log)
{
    /// <summary>Set on the target pod of a live migration when the guest runs there; other networks for KubeVirt switch on it, too.</summary>
    private const string ReadyAnnotation = "kubevirt.io/migration-target-ready-timestamp";

    /// <summary>Comma-separated addresses.</summary>
    private const string KeptAnnotation = "network.troupe.dev/kept-addresses";
    private readonly Dictionary<string, string> holders = [];

    public async Task RunAsync(CancellationToken ct)
    {
        await foreach (var change in ObjectFeed.ReadAsync(api, new ResourceKey("", "v1", "pods"), log, time, ct))
        {
            try
            {
                if (change is FeedEvent.Present { Object: var pod }) await LeadAsync(pod, ct);
                else if (change is FeedEvent.Gone { LastKnown: var gone }) await ForgetAsync(gone, ct);
            }
            catch (Exception e) when (e is Host.HostException or IOException)
            {
                log.LogWarning("Addresses of a moved guest: {Error}", e.Message);
            }
        }
    }

    private async Task LeadAsync(JsonObject pod, CancellationToken ct)
    {
        var (uid, address, node) = Facts(pod);
        // The pod of a guest that has moved on ends and stays, with its mark: what it led to itself is led elsewhere by then.
        if (Annotation(pod, ReadyAnnotation) is null || uid is null || address is null || node is not { } number || pod["metadata"]?["deletionTimestamp"] is not null || pod["status"]?["phase"]?.GetValue<string>() is "Succeeded" or "Failed") return;
        foreach (var kept in Kept(pod).Where(kept => kept != address && holders.GetValueOrDefault(kept) != uid))
        {
            // Its own network must not give it to another pod as long as it leads here.
            networks(NodeOf(kept))?.Adopt($"kept-{kept}", new PodAddress(kept, "kept", null));
            await IpBatch.RunAsync([$"route replace {kept}/32 via {address} dev {identity.Bridge(number)}"], ct: ct);
            holders[kept] = uid;
            // Pods beside which it was handed out look for it on their own bridge.
            await File.WriteAllTextAsync($"/proc/sys/net/ipv4/conf/{identity.Bridge(NodeOf(kept))}/proxy_arp", "1", ct);
            log.LogInformation("{Kept} now leads to pod {Pod} at {Address}", kept, pod["metadata"]?["name"], address);
        }
    }

    private async Task ForgetAsync(JsonObject pod, CancellationToken ct)
    {
        var (uid, _, _) = Facts(pod);
        foreach (var kept in Kept(pod).Where(kept => holders.GetValueOrDefault(kept) == uid))
        {
            holders.Remove(kept);
            await IpBatch.TryAsync([$"route del {kept}/32"], ct: ct);
            if (networks(NodeOf(kept)) is { } network) await network.RemoveAsync($"kept-{kept}", new PodAddress(kept, null, null));
        }
    }

    private (string? Uid, string? Address, int? Node) Facts(JsonObject pod)
    {
        var address = pod["status"]?["podIP"]?.GetValue<string>();
        return (pod["metadata"]?["uid"]?.GetValue<string>(), address, address is null ? null : NodeOf(address));
    }

    /// <summary>Only addresses of this cluster's pods; anything else is nobody's here to give.</summary>
    private IEnumerable<string> Kept(JsonObject pod) =>
        (Annotation(pod, KeptAnnotation) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(a => System.Net.IPAddress.TryParse(a, out _) && a.StartsWith($"10.{identity.Octet}.", StringComparison.Ordinal));

    private static int NodeOf(string address) => int.Parse(address.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture);

    private static string? Annotation(JsonObject pod, string key) => pod["metadata"]?["annotations"]?[key]?.GetValue<string>();
}
