using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Where a pod goes, or why nowhere (kube-scheduler's wording).</summary>
public sealed record Placement(string? Node, string? Message);

/// <summary>kube-scheduler's filters and a score, as pure functions.</summary>
public static class Placer
{
    private static readonly string[] HardEffects = ["NoSchedule", "NoExecute"];

    public static Placement Place(Pod pod, IReadOnlyCollection<Node> nodes, IReadOnlyCollection<Pod> placed)
    {
        if (nodes.Count == 0)
            return new Placement(null, "no nodes available to schedule pods");
        var byNode = placed.Where(p => !p.IsFinished).ToLookup(p => p.Spec.NodeName);
        var reasons = new List<string>();
        var fitting = new List<Node>();
        foreach (var node in nodes)
        {
            var why = Reasons(pod, node, nodes, byNode).ToList();
            if (why.Count == 0) fitting.Add(node);
            else reasons.AddRange(why);
        }

        if (fitting.Count > 0)
            return new Placement(fitting.MaxBy(n => Score(pod, n, nodes, byNode))!.Name, null);
        var counted = reasons.GroupBy(r => r).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}");
        return new Placement(null, $"0/{nodes.Count} nodes are available: {string.Join(", ", counted)}.");
    }

    private static IEnumerable<string> Reasons(Pod pod, Node node, IReadOnlyCollection<Node> nodes, ILookup<string, Pod> byNode)
    {
        if (node.Spec.Unschedulable && !pod.Spec.Tolerations.Exists(t => t.Tolerates(new Taint { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" })))
        {
            yield return "node(s) were unschedulable";
            yield break;
        }

        foreach (var taint in node.Spec.Taints.Where(t => HardEffects.Contains(t.Effect)))
        {
            if (pod.Spec.Tolerations.Exists(t => t.Tolerates(taint))) continue;
            yield return $"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}";
            yield break;
        }

        if (!pod.Spec.NodeSelector.All(s => node.Metadata.Labels.TryGetValue(s.Key, out var value) && value == s.Value)
            || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution?.Matches(node) is false)
        {
            yield return "node(s) didn't match Pod's node affinity/selector";
            yield break;
        }

        var ports = HostPorts(pod).ToHashSet();
        if (ports.Count > 0 && byNode[node.Name].SelectMany(HostPorts).Any(ports.Contains))
            yield return "node(s) didn't have free ports for the requested pod ports";
        foreach (var reason in Resources(pod, node, byNode)) yield return reason;
        if (!pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution.TrueForAll(t => Near(pod, t, node, nodes, byNode) || IsFirst(pod, t, byNode)))
            yield return "node(s) didn't match pod affinity rules";
        if (pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution.Exists(t => Near(pod, t, node, nodes, byNode)))
            yield return "node(s) didn't match pod anti-affinity rules";
        if (pod.Spec.TopologySpreadConstraints.Exists(c => c.WhenUnsatisfiable == "DoNotSchedule" && Skews(pod, c, node, nodes, byNode)))
            yield return "node(s) didn't match pod topology spread constraints";
    }

    private static IEnumerable<string> Resources(Pod pod, Node node, ILookup<string, Pod> byNode)
    {
        var allocatable = node.Status.Allocatable;
        if (allocatable.TryGetValue("pods", out var slots) && byNode[node.Name].Count() + 1 > slots.Units)
            yield return "Too many pods";
        foreach (var (name, wanted) in Requests(pod).Where(r => r.Value > Quantity.Zero))
        {
            var used = byNode[node.Name].Select(p => Requests(p).GetValueOrDefault(name)).Aggregate(Quantity.Zero, (a, b) => a + b);
            if (used + wanted > allocatable.GetValueOrDefault(name)) yield return $"Insufficient {name}";
        }
    }

    /// <summary>Containers together, or the largest init container if that is more; a limit without a request counts as one.</summary>
    internal static Dictionary<string, Quantity> Requests(Pod pod)
    {
        var sum = new Dictionary<string, Quantity>(pod.Spec.Overhead);
        foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.IsSidecar)))
            foreach (var (name, value) in Of(container)) sum[name] = sum.GetValueOrDefault(name) + value;
        foreach (var container in pod.Spec.InitContainers.Where(c => !c.IsSidecar))
            foreach (var (name, value) in Of(container)) sum[name] = value > sum.GetValueOrDefault(name) ? value : sum.GetValueOrDefault(name);
        return sum;

        static Dictionary<string, Quantity> Of(Container container)
        {
            var requests = new Dictionary<string, Quantity>(container.Resources.Limits);
            foreach (var (name, value) in container.Resources.Requests) requests[name] = value;
            return requests;
        }
    }

    private static IEnumerable<(string, int)> HostPorts(Pod pod) => pod.Spec.Containers.SelectMany(c => c.Ports)
        .Select(p => (p.Protocol, pod.Spec.HostNetwork ? p.Number : p.HostPort)).Where(p => p.Item2 > 0);

    private static bool Selects(Pod pod, PodAffinityTerm term, Pod other) =>
        (term.Namespaces.Count > 0 ? term.Namespaces.Contains(other.Namespace) : term.NamespaceSelector is not null || other.Namespace == pod.Namespace)
        && term.LabelSelector?.Matches(other.Metadata.Labels) is true;

    /// <summary>A pod that the term selects runs in the node's topology domain.</summary>
    private static bool Near(Pod pod, PodAffinityTerm term, Node node, IReadOnlyCollection<Node> nodes, ILookup<string, Pod> byNode) =>
        node.Metadata.Labels.TryGetValue(term.TopologyKey, out var domain)
        && nodes.Where(n => n.Metadata.Labels.GetValueOrDefault(term.TopologyKey) == domain).SelectMany(n => byNode[n.Name]).Any(p => Selects(pod, term, p));

    /// <summary>The first pod of a group that wants to be together has nobody to go to.</summary>
    private static bool IsFirst(Pod pod, PodAffinityTerm term, ILookup<string, Pod> byNode) =>
        Selects(pod, term, pod) && !byNode.SelectMany(g => g).Any(p => Selects(pod, term, p));

    private static bool Skews(Pod pod, TopologySpreadConstraint constraint, Node node, IReadOnlyCollection<Node> nodes, ILookup<string, Pod> byNode)
    {
        if (!node.Metadata.Labels.TryGetValue(constraint.TopologyKey, out var domain)) return true;
        var counts = nodes.Where(n => n.Metadata.Labels.ContainsKey(constraint.TopologyKey)).GroupBy(n => n.Metadata.Labels[constraint.TopologyKey])
            .ToDictionary(g => g.Key, g => g.SelectMany(n => byNode[n.Name]).Count(p => p.Namespace == pod.Namespace && constraint.LabelSelector?.Matches(p.Metadata.Labels) is true));
        return counts[domain] + 1 - counts.Values.Min() > constraint.MaxSkew;
    }

    private static double Score(Pod pod, Node node, IReadOnlyCollection<Node> nodes, ILookup<string, Pod> byNode)
    {
        double score = 0;
        foreach (var name in new[] { "cpu", "memory" })
        {
            var capacity = node.Status.Allocatable.GetValueOrDefault(name).Value;
            var used = byNode[node.Name].Sum(p => Requests(p).GetValueOrDefault(name).Value);
            if (capacity > 0) score += 50 * (double)(1 - (used / capacity));
        }

        score += pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(t => t.Preference.Matches(node)).Sum(t => t.Weight);
        score += pod.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(t => Near(pod, t.PodAffinityTerm, node, nodes, byNode)).Sum(t => t.Weight);
        score -= pod.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution.Where(t => Near(pod, t.PodAffinityTerm, node, nodes, byNode)).Sum(t => t.Weight);
        return score - node.Spec.Taints.Count(t => t.Effect == "PreferNoSchedule" && !pod.Spec.Tolerations.Exists(x => x.Tolerates(t)));
    }
}
