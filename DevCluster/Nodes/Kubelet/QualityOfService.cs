using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

public static class QualityOfService
{
    private static readonly string[] Counted = ["cpu", "memory"];

    public static string Of(PodSpec spec)
    {
        var all = spec.Containers.Concat(spec.InitContainers).Select(container => container.Resources).ToList();
        bool Sets(Dictionary<string, Quantity> list) => Counted.Any(name => list.GetValueOrDefault(name).Value > 0);
        if (!all.Any(resources => Sets(resources.Requests) || Sets(resources.Limits))) return "BestEffort";
        // Requests that are not given default to the limits.
        var guaranteed = all.All(resources => Counted.All(name => resources.Limits.TryGetValue(name, out var limit) && limit.Value > 0
            && (!resources.Requests.TryGetValue(name, out var request) || request == limit)));
        return guaranteed ? "Guaranteed" : "Burstable";
    }
}
