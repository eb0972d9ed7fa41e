using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.NodeActors.Launchers;

/// <summary>A live connection to one launcher.</summary>
public interface ILauncher : IAsyncDisposable
{
    /// <summary>The launcher, whose network namespace is the pod's. Known beyond the connection's end.</summary>
    LauncherProcess Process { get; }

    /// <exception cref="IOException">The connection broke before the reply came.</exception>
    Task<LauncherReply> AskAsync(ILauncherRequest request, CancellationToken ct);
}

/// <summary>How a domain actor gets at launchers.</summary>
public interface ILauncherConnector
{
    /// <summary>Whether kubelet still has the pod's folder.</summary>
    bool HasPod(string podUid);

    /// <summary>What a launcher that has died in a migration left behind; null while it lives, and when it left nothing.</summary>
    LastWord? LastWord(string podUid);

    /// <param name="changed">Called for every pushed observation, in order.</param>
    /// <param name="closed">Called once when the connection ends for any reason.</param>
    /// <exception cref="IOException">No launcher listens there (yet, or any more).</exception>
    Task<ILauncher> ConnectAsync(string podUid, Action<DomainObservation> changed, Action closed, CancellationToken ct);
}
