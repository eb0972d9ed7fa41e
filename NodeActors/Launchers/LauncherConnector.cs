using System.Net.Sockets;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Launchers;

public sealed class LauncherConnector(PodFolders pods) : ILauncherConnector
{
    public bool HasPod(string podUid) => Directory.Exists(pods.Sockets(podUid));

    public async Task<ILauncher> ConnectAsync(string podUid, Action<DomainObservation> changed, Action closed, CancellationToken ct)
    {
        try
        {
            var socket = await LongPathSocket.ConnectAsync(pods.Sockets(podUid), LauncherPaths.SocketName, ct).ConfigureAwait(false);
            return new LauncherConnection(socket, changed, closed);
        }
        catch (SocketException e)
        {
            throw new IOException($"no launcher answers in pod {podUid}: {e.Message}", e);
        }
    }
}
