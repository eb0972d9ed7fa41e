using Akka.Actor;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Domains;

/// <summary>Operations on the running guest.</summary>
public sealed partial class DomainActor
{
    /// <summary>A dump of a large guest's memory takes its time.</summary>
    private static readonly TimeSpan OperationTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Beside the steps: an operation neither waits for them nor holds them up, and only whoever asked hears of it.</summary>
    private void OnOperate(OperateGuest operate)
    {
        var client = ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(operate.Client);
        if (_launcher is not { } launcher || !_state.Connected)
            client.Tell(Failed("the launcher is not connected"));
        else
            AskAsync().PipeTo(client, Self);

        async Task<DomainOperated> AskAsync()
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            deadline.CancelAfter(OperationTimeout);
            try
            {
                var reply = await launcher.AskAsync(new OperateDomain(operate.Epoch, operate.Operation), deadline.Token).ConfigureAwait(false);
                return new DomainOperated(operate.VmiUid, operate.Node, reply.Error, reply.Message, reply.Result);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                return Failed(e.Message);
            }
        }

        DomainOperated Failed(string message) => new(operate.VmiUid, operate.Node, LauncherError.NoDomain, message, null);
    }
}
