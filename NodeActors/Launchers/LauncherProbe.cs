using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Launchers;

internal static class LauncherProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>UID of the VMI whose launcher answers in the pod.</summary>
    public static async Task<string> VmiOfAsync(ILauncherConnector connector, string podUid, string agentId)
    {
        using var deadline = new CancellationTokenSource(Patience);
        await using var launcher = await connector.ConnectAsync(podUid, _ => { }, () => { }, deadline.Token).ConfigureAwait(false);
        var reply = await launcher.AskAsync(new LauncherHello(agentId, LauncherProtocol.Version), deadline.Token).ConfigureAwait(false);
        return reply.Launcher.VmiUid;
    }
}
