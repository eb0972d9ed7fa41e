using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Api;

/// <summary>Which container a request about a pod means.</summary>
internal static class PodContainers
{
    /// <exception cref="ApiException">400 when the name is not one of the pod's, or none is given and there are several.</exception>
    public static string Choose(JsonObject pod, string asked)
    {
        var names = new[] { "containers", "initContainers", "ephemeralContainers" }
            .SelectMany(list => (pod.Arr("spec", list) ?? []).Select(c => (List: list, Name: c.Str("name") ?? ""))).ToList();
        if (asked.Length > 0)
            return names.Any(n => n.Name == asked) ? asked : throw ApiException.BadRequest($"container {asked} is not valid for pod {pod.Name()}");
        var main = names.Where(n => n.List == "containers").Select(n => n.Name).ToList();
        if (pod.Str("metadata", "annotations", "kubectl.kubernetes.io/default-container") is { } preferred && main.Contains(preferred))
            return preferred;
        return main.Count == 1 ? main[0]
            : throw ApiException.BadRequest($"a container name must be specified for pod {pod.Name()}, choose one of: [{string.Join(' ', main)}]");
    }
}
