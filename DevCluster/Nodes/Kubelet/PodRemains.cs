using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

internal static class PodRemains
{
    /// <summary>Removes the files of a pod that has no containers any more.</summary>
    public static void Delete(StateLayout layout, string node, string podDirectory, Pod? pod)
    {
        foreach (var mount in MountTable.Below(podDirectory)) Native.Unmount(mount);
        if (Directory.Exists(podDirectory)) Directory.Delete(podDirectory, recursive: true);
        if (pod is null) return;
        var logs = layout.PodLogs(node, pod.Namespace, pod.Name, pod.Uid);
        if (Directory.Exists(logs)) Directory.Delete(logs, recursive: true);
    }
}
