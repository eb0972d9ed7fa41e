using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Scheduling;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>Where a DaemonSet makes pods and which it deletes. Pure.</summary>
internal static class DaemonSetPlan
{
    /// <summary>What the pods bear beyond their template: a daemon is part of its node.</summary>
    public static readonly IReadOnlyList<Toleration> Tolerations =
    [
        new() { Key = Taint.NotReady, Operator = "Exists", Effect = "NoExecute" },
        new() { Key = Taint.Unreachable, Operator = "Exists", Effect = "NoExecute" },
        new() { Key = "node.kubernetes.io/disk-pressure", Operator = "Exists", Effect = "NoSchedule" },
        new() { Key = "node.kubernetes.io/memory-pressure", Operator = "Exists", Effect = "NoSchedule" },
        new() { Key = "node.kubernetes.io/pid-pressure", Operator = "Exists", Effect = "NoSchedule" },
        new() { Key = Taint.UnschedulableKey, Operator = "Exists", Effect = "NoSchedule" },
    ];

    public static (bool Runs, bool Stays) Suits(PodSpec template, Node node)
    {
        var pod = new Pod { Spec = template with { Tolerations = [.. template.Tolerations, .. Tolerations] } };
        bool Bears(string effect) => node.Spec.Taints.Where(taint => taint.Effect == effect).All(taint => pod.Spec.Tolerations.Exists(t => t.Tolerates(taint)));
        var wants = NodeFilters.Wants(pod, node);
        return (wants && Bears("NoSchedule") && Bears("NoExecute"), wants && Bears("NoExecute"));
    }

    /// <param name="set">The DaemonSet.</param>
    /// <param name="template">Its template's spec.</param>
    /// <param name="hash">Of the template.</param>
    /// <param name="nodes">All nodes.</param>
    /// <param name="byNode">Its pods by the node that each is for.</param>
    /// <param name="now">The time.</param>
    public static (IReadOnlyList<Node> Create, IReadOnlyList<Pod> Delete) Next(Workload set, PodSpec template, string hash, IReadOnlyList<Node> nodes, ILookup<string, Pod> byNode, DateTimeOffset now)
    {
        var (create, delete) = (new List<Node>(), new List<Pod>());
        var outdated = new List<Pod>();
        var (wanted, unavailable) = (0, 0);
        foreach (var node in nodes)
        {
            var (runs, stays) = Suits(template, node);
            var pods = byNode[node.Name].Where(pod => !pod.Metadata.IsDeleted).ToList();
            if (!stays) delete.AddRange(pods);
            if (!runs) continue;
            wanted++;
            delete.AddRange(pods.Where(pod => pod.IsFinished));
            var living = pods.Where(pod => !pod.IsFinished).OrderBy(pod => pod.Metadata.CreationTimestamp).ToList();
            delete.AddRange(living.Skip(1));
            if (living.Count == 0 || !ReplicaSetPlan.IsAvailable(living[0], set.Spec.MinReadySeconds, now)) unavailable++;
            // One that is still ending keeps its place.
            if (pods.Count == 0 && !byNode[node.Name].Any()) create.Add(node);
            if (living.Count > 0 && living[0].Metadata.Labels.GetValueOrDefault(Revisions.HashLabel) != hash) outdated.Add(living[0]);
        }
        delete.AddRange(byNode.Where(group => nodes.All(node => node.Name != group.Key)).SelectMany(group => group).Where(pod => !pod.Metadata.IsDeleted));
        if (set.Spec.UpdateStrategy.Type == "RollingUpdate")
        {
            var most = Math.Max(1, (set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable ?? new IntOrString("1")).Of(wanted, up: true));
            var broken = outdated.Where(pod => !ReplicaSetPlan.IsAvailable(pod, set.Spec.MinReadySeconds, now)).ToList();
            delete.AddRange(broken);
            delete.AddRange(outdated.Except(broken).Take(Math.Max(0, most - unavailable)));
        }
        return (create, [.. delete.Distinct()]);
    }
}
