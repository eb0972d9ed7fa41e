using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class ServiceRulesTests
{
    private static readonly ClusterIdentity Cluster = new("abc", 40);

    [Fact]
    public void A_node_port_leads_from_every_node_to_all_endpoints_or_with_local_traffic_to_its_own()
    {
        var service = Service(nodePort: 30080);
        var routes = ServiceRules.Routes(Cluster, 2, [service], [Slice(("10.40.1.5", "node-1"), ("10.40.2.6", "node-2"))]);
        Assert.Equal([(80, "10.96.1.1", false), (30080, "10.40.1.1 10.40.2.1", true)], routes.Select(r => (r.Port, string.Join(' ', r.Addresses), r.OnNodes)));
        Assert.All(routes, r => Assert.Equal(2, r.Backends.Count));
        var local = ServiceRules.Routes(Cluster, 2, [service with { Spec = service.Spec with { ExternalTrafficPolicy = "Local" } }], [Slice(("10.40.2.6", "node-2"))]).Where(r => r.OnNodes);
        Assert.Equal([("10.40.1.1", 0), ("10.40.2.1", 1)], local.Select(r => (r.Addresses[0], r.Backends.Count)));
    }

    [Fact]
    public void With_local_internal_traffic_a_pod_reaches_the_endpoints_of_its_own_node_alone()
    {
        var service = Service() with { Spec = Service().Spec with { InternalTrafficPolicy = "Local" } };
        string Script(params (string, string)[] endpoints) => ServiceRules.Script(Cluster, 2, ServiceRules.Routes(Cluster, 2, [service], [Slice(endpoints)]));
        var script = Script(("10.40.2.6", "node-2"));
        Assert.Contains("ip saddr 10.40.2.0/24 ip daddr { 10.96.1.1 } tcp dport 80 dnat to 10.40.2.6:8080\n", script);
        Assert.Contains("ip saddr 10.40.1.0/24 ip daddr { 10.96.1.1 } tcp dport 80 drop\n", script);
        Assert.Equal(2, Script().Split("dport 80 reject").Length - 1);
    }

    [Fact]
    public void A_host_port_leads_from_the_pods_node_to_the_pod()
    {
        Pod Asking(string name, string phase, bool hostNetwork = false) => new()
        {
            Metadata = new ObjectMeta { Namespace = "ns", Name = name },
            Spec = new PodSpec { NodeName = "node-2", HostNetwork = hostNetwork, Containers = [new Container { Name = "c", Ports = [new ContainerPort { Number = 8080, HostPort = 8000 }, new ContainerPort { Number = 9090 }] }] },
            Status = new PodStatus { Phase = phase, PodIP = "10.40.2.7" },
        };
        var route = Assert.Single(ServiceRules.HostPorts(Cluster, 2, [Asking("a", "Running"), Asking("b", "Succeeded"), Asking("c", "Running", hostNetwork: true)]));
        Assert.Equal(("10.40.2.1", 8000, ("10.40.2.7", 8080), true), (route.Addresses[0], route.Port, route.Backends[0], route.OnNodes));
    }

    [Fact]
    public void Of_the_clients_of_a_sticky_service_only_those_move_whose_backend_is_gone()
    {
        static Dictionary<int, string> Slots(params string[] addresses)
        {
            var service = Service(sticky: true);
            var script = ServiceRules.Script(Cluster, 1, ServiceRules.Routes(Cluster, 1, [service], [Slice([.. addresses.Select(a => (a, "node-1"))])]));
            var map = script[(script.IndexOf("map { ", StringComparison.Ordinal) + 6)..].Split('}')[0];
            return map.Split(", ").Select(e => e.Split(" : ")).ToDictionary(e => int.Parse(e[0], null), e => e[1].Split(' ')[0]);
        }
        var (three, two) = (Slots("10.40.1.2", "10.40.1.3", "10.40.1.4"), Slots("10.40.1.2", "10.40.1.4"));
        Assert.Equal(64, three.Count);
        Assert.Equal(3, three.Values.Distinct().Count());
        Assert.All(three.Values.CountBy(a => a), count => Assert.InRange(count.Value, 10, 35));
        Assert.All(three.Where(slot => slot.Value != "10.40.1.3"), slot => Assert.Equal(slot.Value, two[slot.Key]));
    }

    private static Service Service(int nodePort = 0, bool sticky = false) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "s" },
        Spec = new ServiceSpec { ClusterIP = "10.96.1.1", SessionAffinity = sticky ? "ClientIP" : "None", Ports = [new ServicePort { Port = 80, NodePort = nodePort }] },
    };

    private static EndpointSlice Slice(params (string Address, string Node)[] endpoints) => new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "s-1", Labels = new() { ["kubernetes.io/service-name"] = "s" } },
        Ports = [new EndpointPort { Port = 8080 }],
        Endpoints = [.. endpoints.Select(e => new Endpoint { Addresses = [e.Address], NodeName = e.Node })],
    };
}
