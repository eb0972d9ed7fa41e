using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Services;

/// <summary>The endpoints of a service with a selector, as EndpointSlice and as the older Endpoints. Pure.</summary>
internal static class EndpointsPlan
{
    public static JsonObject Slice(Service service, IEnumerable<Pod> pods)
    {
        var backends = Backends(service, pods);
        return new JsonObject
        {
            ["addressType"] = "IPv4",
            ["ports"] = new JsonArray([.. Ports(service, backends).Select(port => (JsonNode)port)]),
            ["endpoints"] = new JsonArray([.. backends.Select(pod => (JsonNode)Endpoint(service, pod))]),
        };
    }

    public static JsonObject Endpoints(Service service, IEnumerable<Pod> pods)
    {
        var backends = Backends(service, pods).Where(pod => !pod.Metadata.IsDeleted).ToList();
        if (backends.Count == 0) return new JsonObject { ["subsets"] = null };
        var subset = new JsonObject { ["ports"] = new JsonArray([.. Ports(service, backends).Select(port => (JsonNode)port)]) };
        var ready = backends.Where(pod => IsReady(service, pod)).ToList();
        if (ready.Count > 0) subset["addresses"] = new JsonArray([.. ready.Select(pod => (JsonNode)Address(pod))]);
        if (ready.Count < backends.Count) subset["notReadyAddresses"] = new JsonArray([.. backends.Except(ready).Select(pod => (JsonNode)Address(pod))]);
        return new JsonObject { ["subsets"] = new JsonArray(subset) };
    }

    private static List<Pod> Backends(Service service, IEnumerable<Pod> pods) =>
        [.. pods.Where(pod => !pod.IsFinished && pod.Status.PodIP.Length > 0 && service.Spec.Selector!.All(label => pod.Metadata.Labels.GetValueOrDefault(label.Key) == label.Value)).OrderBy(pod => pod.Name, StringComparer.Ordinal)];

    private static bool IsReady(Service service, Pod pod) => service.Spec.PublishNotReadyAddresses || (pod.IsReady && !pod.Metadata.IsDeleted);

    private static JsonObject Endpoint(Service service, Pod pod)
    {
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray(pod.Status.PodIP),
            ["conditions"] = new JsonObject
            {
                ["ready"] = IsReady(service, pod),
                ["serving"] = service.Spec.PublishNotReadyAddresses || pod.IsReady,
                ["terminating"] = pod.Metadata.IsDeleted,
            },
            ["nodeName"] = pod.Spec.NodeName,
            ["targetRef"] = Target(pod),
        };
        // A name of its own below the service's, as StatefulSets need it.
        if (pod.Spec.Hostname.Length > 0 && pod.Spec.Subdomain == service.Metadata.Name) endpoint["hostname"] = pod.Spec.Hostname;
        return endpoint;
    }

    private static JsonObject Address(Pod pod) => new() { ["ip"] = pod.Status.PodIP, ["nodeName"] = pod.Spec.NodeName, ["targetRef"] = Target(pod) };

    private static JsonObject Target(Pod pod) => new() { ["kind"] = "Pod", ["namespace"] = pod.Namespace, ["name"] = pod.Name, ["uid"] = pod.Uid };

    private static IEnumerable<JsonObject> Ports(Service service, IReadOnlyList<Pod> backends)
    {
        foreach (var port in service.Spec.Ports)
        {
            // A named port is what the pods call by that name.
            var number = port.TargetPort is not { } target ? port.Port : target.Number
                ?? backends.SelectMany(pod => pod.Spec.Containers).SelectMany(container => container.Ports).FirstOrDefault(p => p.Name == target.Text && p.Protocol == port.Protocol)?.Number;
            if (number is not { } found) continue;
            yield return new JsonObject { ["name"] = port.Name, ["port"] = found, ["protocol"] = port.Protocol };
        }
    }
}
