using System.Runtime.CompilerServices;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>What a pod takes up of a node.</summary>
internal static class PodRequests
{
    /// <summary>For each node that is looked at, all its pods are added up again.</summary>
    private static readonly ConditionalWeakTable<Pod, Dictionary<string, Quantity>> Known = [];

    /// <summary>Containers together, or the largest init container if that is more; a limit without a request counts as one.</summary>
    public static IReadOnlyDictionary<string, Quantity> Of(Pod pod) => Known.GetValue(pod, Sum);

    private static Dictionary<string, Quantity> Sum(Pod pod)
    {
        var sum = new Dictionary<string, Quantity>(pod.Spec.Overhead);
        foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.IsSidecar)))
            foreach (var (name, value) in Of(container)) sum[name] = sum.GetValueOrDefault(name) + value;
        foreach (var container in pod.Spec.InitContainers.Where(c => !c.IsSidecar))
            foreach (var (name, value) in Of(container)) sum[name] = value > sum.GetValueOrDefault(name) ? value : sum.GetValueOrDefault(name);
        return sum;
    }

    public static Quantity Of(IEnumerable<Pod> pods, string resource) =>
        pods.Select(pod => Of(pod).GetValueOrDefault(resource)).Aggregate(Quantity.Zero, (a, b) => a + b);

    /// <summary>Ports of the node's own addresses; a host-network pod takes all its ports there.</summary>
    public static IEnumerable<(string Protocol, int Port)> HostPorts(Pod pod) => pod.Spec.Containers.SelectMany(c => c.Ports)
        .Select(port => (port.Protocol, Port: pod.Spec.HostNetwork ? port.Number : port.HostPort)).Where(port => port.Port > 0);

    private static Dictionary<string, Quantity> Of(Container container)
    {
        var requests = new Dictionary<string, Quantity>(container.Resources.Limits);
        foreach (var (name, value) in container.Resources.Requests) requests[name] = value;
        return requests;
    }
}
