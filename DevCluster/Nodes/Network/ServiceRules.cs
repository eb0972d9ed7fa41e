using System.Text;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>Where packets to a port of some addresses go.</summary>
public sealed record ServiceRoute(IReadOnlyList<string> Addresses, string Protocol, int Port, IReadOnlyList<(string Address, int Port)> Backends)
{
    /// <summary>The addresses are nodes': the machine itself may call, too.</summary>
    public bool OnNodes { get; init; }

    /// <summary>Only clients of these addresses are meant: the pods of one node.</summary>
    public string? From { get; init; }

    /// <summary>There are backends, but not for these clients: as with kube-proxy their packets vanish instead of being refused.</summary>
    public bool Elsewhere { get; init; }

    /// <summary>A client stays with one backend.</summary>
    public bool Sticky { get; init; }
}

/// <summary>
/// The nftables rules that stand for kube-proxy. One table per cluster, which looks only at packets from the cluster's own bridges, and at what
/// the machine sends to the cluster's nodes: many clusters may use the same service addresses on one machine. Pure.
/// </summary>
internal static class ServiceRules
{
    /// <summary>
    /// By its address each client of a sticky service belongs to one of so many slots, and each slot to one backend. Nothing is remembered, so nothing is
    /// lost when the rules change; a backend that goes takes only its own slots with it.
    /// </summary>
    private const int Slots = 64;

    public static string TableOf(ClusterIdentity identity) => $"troupe-svc-{identity.Id}";

    /// <summary>Routes of all services, from their slices; ports are matched by name.</summary>
    public static IReadOnlyList<ServiceRoute> Routes(ClusterIdentity identity, int nodes, IEnumerable<Service> services, IEnumerable<EndpointSlice> slices)
    {
        var byService = slices.ToLookup(slice => (slice.Metadata.Namespace, slice.Service));
        return
        [
            .. from service in services
               where service.Spec.ClusterIP.Length > 0 && !service.Spec.IsHeadless
               from port in service.Spec.Ports
               let endpoints = (from slice in byService[(service.Metadata.Namespace, service.Metadata.Name)]
                                from target in slice.Ports
                                where target.Name == port.Name && target.Protocol == port.Protocol && target.Port is not null
                                from endpoint in slice.Endpoints
                                where endpoint.Conditions.Ready is not false
                                from address in endpoint.Addresses
                                select (endpoint.NodeName, Backend: (address, target.Port!.Value))).ToList()
               orderby service.Spec.ClusterIP, port.Port
               from route in Routes(identity, nodes, service, port, endpoints)
               select route with { Sticky = service.Spec.SessionAffinity == "ClientIP" },
        ];
    }

    private static IEnumerable<ServiceRoute> Routes(ClusterIdentity identity, int nodes, Service service, ServicePort port, List<(string Node, (string, int) Backend)> endpoints)
    {
        IReadOnlyList<(string, int)> Backends(string? node) => [.. endpoints.Where(e => node is null || e.Node == node).Select(e => e.Backend).Distinct().Order()];
        var all = Enumerable.Range(1, nodes).ToList();
        if (service.Spec.InternalTrafficPolicy == "Local")
        {
            foreach (var node in all)
                yield return new ServiceRoute([service.Spec.ClusterIP], port.Protocol, port.Port, Backends($"node-{node}")) { From = identity.PodCidr(node), Elsewhere = endpoints.Count > 0 };
        }
        else
        {
            yield return new ServiceRoute([service.Spec.ClusterIP], port.Protocol, port.Port, Backends(null));
        }
        if (port.NodePort == 0) yield break;
        if (service.Spec.ExternalTrafficPolicy == "Local")
        {
            foreach (var node in all)
                yield return new ServiceRoute([identity.Gateway(node)], port.Protocol, port.NodePort, Backends($"node-{node}")) { OnNodes = true };
        }
        else
        {
            yield return new ServiceRoute([.. all.Select(identity.Gateway)], port.Protocol, port.NodePort, Backends(null)) { OnNodes = true };
        }
    }

    /// <summary>Ports of nodes that pods have asked for; pods in the node's own network have them anyway.</summary>
    public static IEnumerable<ServiceRoute> HostPorts(ClusterIdentity identity, int nodes, IEnumerable<Pod> pods) =>
        from pod in pods
        where pod.Status.PodIP.Length > 0 && !pod.IsFinished && !pod.Spec.HostNetwork
        let node = Enumerable.Range(1, nodes).FirstOrDefault(n => $"node-{n}" == pod.Spec.NodeName)
        where node > 0
        from container in pod.Spec.Containers.Concat(pod.Spec.InitContainers)
        from port in container.Ports
        where port.HostPort > 0
        orderby pod.Spec.NodeName, port.HostPort, pod.Key
        select new ServiceRoute([identity.Gateway(node)], port.Protocol, port.HostPort, [(pod.Status.PodIP, port.Number)]) { OnNodes = true };

    /// <summary>The whole table as an nft script that replaces it at once.</summary>
    public static string Script(ClusterIdentity identity, int nodes, IEnumerable<ServiceRoute> routes)
    {
        var table = TableOf(identity);
        var script = new StringBuilder();
        script.Append($"table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n");
        var (nat, local, reject) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        foreach (var route in routes.Where(route => route.Protocol is "TCP" or "UDP"))
        {
            var match = (route.From is { } from ? $"ip saddr {from} " : "") + $"ip daddr {{ {string.Join(", ", route.Addresses)} }} {route.Protocol.ToLowerInvariant()} dport {route.Port}";
            if (route.Backends.Count > 0)
            {
                var rule = $"    {match} {Target(route)}\n";
                nat.Append(rule);
                if (route.OnNodes) local.Append(rule);
            }
            // At a node nobody listens, which is refusal enough.
            else if (!route.OnNodes)
            {
                reject.Append($"    {match} {(route.Elsewhere ? "drop" : "reject")}\n");
            }
        }
        script.Append($"  chain prerouting {{\n    type nat hook prerouting priority dstnat;\n    iifname != \"trp{identity.Octet}n*\" return\n{nat}  }}\n");
        script.Append($"  chain output {{\n    type nat hook output priority -100;\n{local}  }}\n");
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

    private static string Target(ServiceRoute route)
    {
        if (route.Backends is [var (address, port)]) return $"dnat to {address}:{port}";
        var (choice, backends) = route.Sticky
            ? ($"jhash ip saddr mod {Slots}", Enumerable.Range(0, Slots).Select(slot => route.Backends.MaxBy(backend => Weight(slot, backend))))
            : ($"numgen random mod {route.Backends.Count}", route.Backends);
        return $"dnat ip addr . port to {choice} map {{ {string.Join(", ", backends.Select((b, i) => $"{i} : {b.Address} . {b.Port}"))} }}";
    }

    /// <summary>How much a slot is drawn to a backend: the same in every process.</summary>
    private static uint Weight(int slot, (string Address, int Port) backend)
    {
        var hash = 2166136261u;
        foreach (var c in $"{slot} {backend.Address}:{backend.Port}") hash = unchecked((hash ^ c) * 16777619);
        hash = unchecked((hash ^ (hash >> 15)) * 0x2c1b3c6d);
        return hash ^ (hash >> 12);
    }
}
