using System.Net.Sockets;
using System.Text.Json;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.NodeActors.Launchers;

public sealed class LauncherConnector(PodFolders pods) : ILauncherConnector
{
    public bool HasPod(string podUid) => Directory.Exists(pods.Sockets(podUid));

    public LastWord? LastWord(string podUid)
    {
        try
        {
            // Not shared: while its launcher lives, that has the lock.
            using var file = new FileStream(Path.Combine(pods.Sockets(podUid), LauncherPaths.LastWordName), FileMode.Open, FileAccess.Read, FileShare.None);
            return JsonSerializer.Deserialize(file, LauncherJson.Default.LastWord);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // None, one that was taken back, or one whose launcher lives.
            return null;
        }
    }

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
