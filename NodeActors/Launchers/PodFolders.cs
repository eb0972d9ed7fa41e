namespace Troupe.NodeActors.Launchers;

/// <summary>Where kubelet keeps the volumes of the pods of this node.</summary>
/// <param name="Root">Kubelet's root folder, <c>/var/lib/kubelet</c> as a rule.</param>
public sealed record PodFolders(string Root)
{
    public string EmptyDir(string podUid, string volume) => Path.Combine(Root, "pods", podUid, "volumes", "kubernetes.io~empty-dir", volume);

    public string Sockets(string podUid) => EmptyDir(podUid, "sockets");

    /// <summary>UIDs of the pods that have a folder for a launcher's socket.</summary>
    public IReadOnlyList<string> LauncherPods()
    {
        var pods = Path.Combine(Root, "pods");
        return Directory.Exists(pods)
            ? [.. Directory.EnumerateDirectories(pods).Select(p => Path.GetFileName(p)!).Where(uid => Directory.Exists(Sockets(uid)))]
            : [];
    }
}
