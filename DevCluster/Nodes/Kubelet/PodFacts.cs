using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What a node knows of a pod beyond its object: addresses and the node's own size. Source of the downward API.</summary>
public sealed record PodFacts(Pod Pod, string HostIp, string? PodIp, IReadOnlyDictionary<string, Quantity> NodeAllocatable)
{
    /// <summary>The text of a fieldRef, or null for a path that the downward API does not have.</summary>
    public string? Field(string path)
    {
        var metadata = Pod.Metadata;
        if (Subscript(path, "metadata.labels") is { } label) return metadata.Labels.GetValueOrDefault(label, "");
        if (Subscript(path, "metadata.annotations") is { } annotation) return metadata.Annotations.GetValueOrDefault(annotation, "");
        return path switch
        {
            "metadata.name" => metadata.Name,
            "metadata.namespace" => metadata.Namespace,
            "metadata.uid" => metadata.Uid,
            "metadata.labels" => Lines(metadata.Labels),
            "metadata.annotations" => Lines(metadata.Annotations),
            "spec.nodeName" => Pod.Spec.NodeName,
            "spec.serviceAccountName" => Pod.Spec.ServiceAccountName,
            "status.hostIP" or "status.hostIPs" => HostIp,
            "status.podIP" or "status.podIPs" => PodIp ?? "",
            _ => null,
        };
    }

    /// <summary>The text of a resourceFieldRef; a limit that is not set is the node's allocatable.</summary>
    public string? Resource(ResourceFieldSelector selector, Container self)
    {
        var container = selector.ContainerName.Length == 0 || selector.ContainerName == self.Name
            ? self
            : Pod.Spec.Containers.Concat(Pod.Spec.InitContainers).FirstOrDefault(other => other.Name == selector.ContainerName);
        if (container is null || selector.Resource.Split('.', 2) is not [var side, var resource]) return null;
        var source = side == "limits" ? container.Resources.Limits : container.Resources.Requests;
        var value = source.TryGetValue(resource, out var set) ? set
            : side == "limits" ? NodeAllocatable.GetValueOrDefault(resource)
            : container.Resources.Limits.GetValueOrDefault(resource);
        var divisor = selector.Divisor is { Value: > 0 } given ? given.Value : 1;
        return ((long)Math.Ceiling(value.Value / divisor)).ToString(null, null);
    }

    private static string? Subscript(string path, string map) =>
        path.StartsWith(map + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) ? path[(map.Length + 2)..^2] : null;

    private static string Lines(Dictionary<string, string> map) =>
        string.Join('\n', map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}=\"{Escape(entry.Value)}\""));

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
