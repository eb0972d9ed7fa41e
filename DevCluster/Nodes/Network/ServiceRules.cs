using System.Text;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>Where packets to a cluster IP and port go.</summary>
public sealed record ServiceRoute(string ClusterIp, string Protocol, int Port, IReadOnlyList<(string Address, int Port)> Backends);

/// <summary>
/// The nftables rules that stand for kube-proxy. One table per cluster, which looks only at packets from the cluster's own bridges: many
/// clusters may use the same service addresses on one machine. Pure.
/// </summary>
internal static class ServiceRules
{
    public static string TableOf(ClusterIdentity identity) => $"troupe-svc-{identity.Id}";

    /// <summary>Routes of all services, from their slices; ports are matched by name.</summary>
    public static IReadOnlyList<ServiceRoute> Routes(IEnumerable<Service> services, IEnumerable<EndpointSlice> slices)
    {
        var byService = slices.ToLookup(slice => (slice.Metadata.Namespace, slice.Service));
        return
        [
            .. from service in services
               where service.Spec.ClusterIP.Length > 0 && !service.Spec.IsHeadless
               from port in service.Spec.Ports
               let backends = from slice in byService[(service.Metadata.Namespace, service.Metadata.Name)]
                              from target in slice.Ports
                              where target.Name == port.Name && target.Protocol == port.Protocol && target.Port is not null
                              from endpoint in slice.Endpoints
                              where endpoint.Conditions.Ready is not false
                              from address in endpoint.Addresses
                              select (address, target.Port!.Value)
               orderby service.Spec.ClusterIP, port.Port
               select new ServiceRoute(service.Spec.ClusterIP, port.Protocol, port.Port, [.. backends.Distinct().Order()]),
        ];
    }

    /// <summary>The whole table as an nft script that replaces it at once.</summary>
    public static string Script(ClusterIdentity identity, int nodes, IEnumerable<ServiceRoute> routes)
    {
        var table = TableOf(identity);
        var script = new StringBuilder();
        script.Append($"table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n");
        var (nat, reject) = (new StringBuilder(), new StringBuilder());
        foreach (var route in routes.Where(route => route.Protocol is "TCP" or "UDP"))
        {
            var match = $"ip daddr {route.ClusterIp} {route.Protocol.ToLowerInvariant()} dport {route.Port}";
            if (route.Backends.Count == 0)
                reject.Append($"    {match} reject\n");
            else if (route.Backends is [var (address, port)])
                nat.Append($"    {match} dnat to {address}:{port}\n");
            else
                nat.Append($"    {match} dnat ip addr . port to numgen random mod {route.Backends.Count} map {{ {string.Join(", ", route.Backends.Select((b, i) => $"{i} : {b.Address} . {b.Port}"))} }}\n");
        }
        script.Append($"  chain prerouting {{\n    type nat hook prerouting priority dstnat;\n    iifname != \"trp{identity.Octet}n*\" return\n{nat}  }}\n");
        // A service without endpoints refuses instead of staying silent.
        script.Append($"  chain forward {{\n    type filter hook forward priority filter;\n    iifname != \"trp{identity.Octet}n*\" return\n{reject}  }}\n");
        // Where the answer would not come back through here (both on one bridge), the node stands in for the client.
        script.Append("  chain postrouting {\n    type nat hook postrouting priority srcnat;\n");
        for (var node = 1; node <= nodes; node++)
            script.Append($"    ip saddr {identity.PodCidr(node)} ip daddr {identity.PodCidr(node)} ct status dnat masquerade\n");
        script.Append("  }\n");
        // The bridges route to the loopback address for the API server's sake; nothing else there is for pods.
        script.Append($"  chain input {{\n    type filter hook input priority filter;\n    iifname \"trp{identity.Octet}n*\" ip daddr 127.0.0.0/8 ct status & dnat != dnat drop\n  }}\n}}\n");
        return script.ToString();
    }
}
