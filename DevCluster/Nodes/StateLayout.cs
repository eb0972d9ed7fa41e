namespace Troupe.DevCluster.Nodes;

/// <summary>Where things lie in the state directory. Below <c>kubelet/&lt;node&gt;</c> it is the real kubelet's layout, because node agents reach into it.</summary>
public sealed record StateLayout(string Root)
{
    public string IdentityFile => $"{Root}/cluster.json";
    public string Images => $"{Root}/images";
    public string RuncRoot => $"{Root}/runc";
    public string Exits => $"{Root}/exits";

    /// <summary>One directory per dynamically provisioned volume.</summary>
    public string Volumes => $"{Root}/volumes";

    /// <summary>Which pods use which persistent volumes; kept in files because it must outlive this process as the pods do.</summary>
    public string Attachments => $"{Root}/attachments";
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
        Directory.CreateDirectory(layout.Volumes);
        Directory.CreateDirectory(layout.Attachments);
        return layout;
    }
}
