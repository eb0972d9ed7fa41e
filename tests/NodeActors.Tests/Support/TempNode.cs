using Troupe.NodeActors.Launchers;

namespace Troupe.NodeActors.Tests.Support;

/// <summary>Kubelet's folder of one node, in a temporary place whose path is longer than a socket's address may be.</summary>
internal sealed class TempNode : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("troupe-node-").FullName;

    public TempNode() => Pods = new PodFolders(Path.Combine(_root, new string('k', 80)));

    public PodFolders Pods { get; }

    public string AddPod(string? podUid = null)
    {
        podUid ??= Guid.NewGuid().ToString();
        Directory.CreateDirectory(Pods.Sockets(podUid));
        return podUid;
    }

    public void RemovePod(string podUid) => Directory.Delete(Path.Combine(Pods.Root, "pods", podUid), recursive: true);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
