namespace Troupe.DevCluster.Nodes;

/// <summary>Where things lie in the state directory. Below <c>kubelet/&lt;node&gt;</c> it is the real kubelet's layout, because node agents reach into it.</summary>
public sealed record StateLayout(string Root)
{
    public string IdentityFile => $"{Root}/cluster.json";
    public string Images => $"{Root}/images";
    public string RuncRoot => $"{Root}/runc";
    public string Exits => $"{Root}/exits";
    public string Kubelet => $"{Root}/kubelet";

    public string KubeletRoot(string node) => $"{Kubelet}/{node}";
    public string Pods(string node) => $"{KubeletRoot(node)}/pods";
    public string Pod(string node, string uid) => $"{Pods(node)}/{uid}";

    /// <summary>One directory per pod, as /var/log/pods.</summary>
    public string PodLogs(string node, string ns, string name, string uid) => $"{KubeletRoot(node)}/logs/{ns}_{name}_{uid}";

    public static StateLayout Of(string stateDirectory)
    {
        var layout = new StateLayout(Path.GetFullPath(stateDirectory).TrimEnd('/'));
        Directory.CreateDirectory(layout.Images);
        Directory.CreateDirectory(layout.RuncRoot);
        Directory.CreateDirectory(layout.Exits);
        Directory.CreateDirectory(layout.Kubelet);
        return layout;
    }
}
