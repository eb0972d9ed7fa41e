using System.Text.Json.Nodes;
using Troupe.DevCluster.Controllers.Services;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;

namespace Troupe.DevCluster.Tests.Controllers.Services;

public sealed class EndpointsPlanTests
{
    private static readonly Service Web = new()
    {
        Metadata = new ObjectMeta { Namespace = "ns", Name = "web" },
        Spec = new ServiceSpec { Selector = new() { ["app"] = "web" }, Ports = [new ServicePort { Name = "http", Port = 80, TargetPort = new IntOrString("web") }, new ServicePort { Name = "plain", Port = 81 }] },
    };

    [Fact]
    public void Selected_pods_with_an_address_are_endpoints_and_say_whether_they_serve()
    {
        Pod[] pods = [App("ready"), App("unready", ready: false), App("going").Deleted(), App("ended", phase: "Succeeded"), App("unbound", node: ""), Pod("other")];
        var endpoints = EndpointsPlan.Slice(Web, pods)["endpoints"]!.AsArray();
        Assert.Equal(
            ["going False True True", "ready True True False", "unready False False False"],
            endpoints.Select(e => $"{e!["targetRef"]!["name"]} {e["conditions"]!["ready"]!.GetValue<bool>()} {e["conditions"]!["serving"]!.GetValue<bool>()} {e["conditions"]!["terminating"]!.GetValue<bool>()}"));
    }

    [Fact]
    public void A_service_that_publishes_early_calls_every_pod_ready()
    {
        var service = Web with { Spec = Web.Spec with { PublishNotReadyAddresses = true } };
        Assert.True(EndpointsPlan.Slice(service, [App("a", ready: false)])["endpoints"]![0]!["conditions"]!["ready"]!.GetValue<bool>());
    }

    [Fact]
    public void Named_ports_are_what_the_pods_call_so_and_a_port_without_a_target_is_itself()
    {
        var pod = App("a") with { };
        pod = pod with { Spec = pod.Spec with { Containers = [new Container { Ports = [new ContainerPort { Name = "web", Number = 8080 }] }] } };
        Assert.Equal(["http 8080", "plain 81"], Ports(EndpointsPlan.Slice(Web, [pod])));
        Assert.Equal(["plain 81"], Ports(EndpointsPlan.Slice(Web, [App("b")])));

        static IEnumerable<string> Ports(JsonObject slice) => slice["ports"]!.AsArray().Select(p => $"{p!["name"]} {p["port"]}");
    }

    [Fact]
    public void A_pod_named_below_the_service_brings_its_host_name()
    {
        var pod = App("db-0");
        pod = pod with { Spec = pod.Spec with { Hostname = "db-0", Subdomain = "web" } };
        Assert.Equal("db-0", (string?)EndpointsPlan.Slice(Web, [pod])["endpoints"]![0]!["hostname"]);
        pod = pod with { Spec = pod.Spec with { Subdomain = "other" } };
        Assert.Null(EndpointsPlan.Slice(Web, [pod])["endpoints"]![0]!["hostname"]);
    }

    [Fact]
    public void The_older_form_parts_ready_from_unready_addresses()
    {
        var subset = EndpointsPlan.Endpoints(Web, [App("a"), App("b", ready: false)])["subsets"]![0]!;
        Assert.Single(subset["addresses"]!.AsArray());
        Assert.Single(subset["notReadyAddresses"]!.AsArray());
        Assert.Null(EndpointsPlan.Endpoints(Web, [])["subsets"]);
    }

    private static Pod App(string name, string node = "n1", string phase = "Running", bool ready = true) => Pod(name, node, phase, ready).Labelled("app", "web");
}
