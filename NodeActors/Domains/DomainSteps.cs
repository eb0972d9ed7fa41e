using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Migration;

namespace Troupe.NodeActors.Domains;

/// <summary>The node's side of the lifecycle, as pure functions.</summary>
public static class DomainSteps
{
    /// <summary>Tries before a launcher that is not there, or one that is only wanted to end, is given up.</summary>
    public const int MaxConnects = 4;

    /// <summary>Takes a command in; null when it is to be refused because its epoch is over.</summary>
    public static DomainKnowledge? Command(DomainKnowledge state, IDomainCommand command)
    {
        if (command.Epoch < state.Epoch)
            return null;
        state = AtEpoch(state, command.Epoch);
        return command switch
        {
            RunDomain run => Order(state, run),
            StopDomain stop => state with { Stop = stop },
            ReleaseDomain => state with { Release = true },
            IMigrationCommand migration => MigrationSteps.Order(state, migration),
            UpdateDomain update => Changed(state, update),
            _ => state,
        };
    }

    public static DomainKnowledge Connected(DomainKnowledge state) =>
        state with { Connected = true, FailedConnects = 0, LastWord = null, Presence = LauncherPresence.Connected };

    public static DomainKnowledge Disconnected(DomainKnowledge state) => state with { Connected = false };

    /// <param name="isGone">The launcher that was connected has ended, or the pod's folders are removed.</param>
    /// <param name="word">What it left behind; kubelet may have removed by now what was found the time before.</param>
    public static DomainKnowledge ConnectFailed(DomainKnowledge state, bool isGone, DateTimeOffset now, LastWord? word = null)
    {
        state = state with { FailedConnects = state.FailedConnects + 1, LastWord = word ?? state.LastWord };
        // A launcher that lives and does not answer still has its guest, which nobody may declare dead; one that never answered has none.
        var hasNothing = isGone || (state.Release && state.Presence is LauncherPresence.Awaited);
        return hasNothing && state.FailedConnects >= MaxConnects ? MigrationSteps.SourceDied(state, now) with { Presence = LauncherPresence.Lost } : state;
    }

    /// <summary>An observation that was overtaken on its way changes nothing.</summary>
    public static DomainKnowledge Observed(DomainKnowledge state, DomainObservation observation)
    {
        state = AtEpoch(state, observation.Epoch);
        return state.Observation is { } known && known.Sequence > observation.Sequence ? state : state with { Observation = observation };
    }

    public static DomainKnowledge Answered(DomainKnowledge state, ILauncherRequest request, LauncherReply reply, string node)
    {
        // Nothing is ever asked of another VMI's launcher, not even to end.
        if (reply.Launcher.VmiUid != state.VmiUid)
            return Refused(state, node, "WrongLauncher", $"pod {state.PodUid} is the launcher of VMI {reply.Launcher.VmiUid}") with { Connected = false, Presence = LauncherPresence.Lost };
        state = MigrationSteps.Answered(Observed(state, reply.Domain), request);
        return (request, reply.Error) switch
        {
            // The launcher ends now; that its connection closes is no loss.
            (QuitLauncher, LauncherError.None) => state with { Connected = false, Presence = LauncherPresence.Lost },
            // "Done already" while a start from an earlier connection is still under way is no domain yet.
            (LaunchDomain, LauncherError.None) => state with { Launched = state.HasDomain },
            (LaunchDomain, LauncherError.InvalidSpec or LauncherError.Unsupported) =>
                Refused(state, node, reply.Error.ToString(), reply.Message ?? "the launcher gave no reason"),
            // What this launcher cannot do does not become possible by asking again; the guest runs on as it is.
            (SyncDomain sync, LauncherError.None or LauncherError.InvalidSpec or LauncherError.Unsupported) => state with { Updated = state.Updated || ReferenceEquals(sync.Vmi, state.Update?.Vmi) },
            // Told to stop before it ever ran: for the control plane that is a guest that has ended.
            (DestroyDomain, LauncherError.NoDomain) when !state.HasDomain =>
                state with { Observation = reply.Domain with { State = DomainState.Shutoff, Reason = DomainReason.Shutdown } },
            _ => state,
        };
    }

    /// <summary>No retry helps: the VMI has to fail.</summary>
    public static DomainKnowledge Refused(DomainKnowledge state, string node, string reason, string message) =>
        state with { Refusal = new DomainRefused(state.VmiUid, node, state.Epoch, reason, message, Fatal: true) };

    public static DomainStep Next(DomainKnowledge state, DateTimeOffset now)
    {
        if (state.Presence is LauncherPresence.Lost)
            return state.Release ? new DomainStep.Forget() : new DomainStep.Wait();
        if (!state.Connected)
            return state.PodUid is { } pod ? new DomainStep.Connect(pod) : state.Release ? new DomainStep.Forget() : new DomainStep.Wait();
        if (state.Release)
            return new DomainStep.Ask(new QuitLauncher(state.Epoch));
        if (MigrationSteps.Next(state) is { } step)
            return step;
        if (state.IsOver)
            return new DomainStep.Wait();
        if (state.Stop is { } stop)
            return !state.HasDomain || now >= stop.Deadline ? new DomainStep.Ask(new DestroyDomain(state.Epoch)) : new DomainStep.Shutdown(stop.Deadline);
        if (state is { HasDomain: true, Update: { } update, Updated: false })
            return state.UpdateContext is { } network ? new DomainStep.Ask(new SyncDomain(state.Epoch, update.Vmi, network)) : new DomainStep.PrepareUpdate(update);
        if (Unused(state) is { Count: > 0 } unused)
            return new DomainStep.Unmount(unused);
        if (state.Run is not { } run || state.Launched || state.HasDomain || state.Refusal is not null)
            return new DomainStep.Wait();
        return state.Context is { } context ? new DomainStep.Ask(new LaunchDomain(run.Epoch, run.Vmi, context)) : new DomainStep.PrepareNetwork();
    }

    /// <summary>A repeated order is the same order. One for another pod finds none of what was known of the pod before.</summary>
    private static DomainKnowledge Order(DomainKnowledge state, RunDomain run)
    {
        if (state.Run is not null)
            return state;
        var here = state.PodUid is null || state.PodUid == run.PodUid ? state : new DomainKnowledge(state.VmiUid) { Epoch = state.Epoch };
        return here with { Run = run, PodUid = run.PodUid };
    }

    /// <summary>Volumes that neither the spec nor, by now, the guest has.</summary>
    private static IReadOnlyList<string> Unused(DomainKnowledge state) => state is { Update: { } update, Updated: true, Observation: { } seen }
        ? [.. state.Mounted.Where(m => update.Volumes.All(v => v.Name != m) && seen.Volumes.All(v => v.Name != m))]
        : [];

    /// <summary>An order that is repeated until it is carried out.</summary>
    private static DomainKnowledge Changed(DomainKnowledge state, UpdateDomain update) => state.Update is { } known && known.Revision == update.Revision
        ? state
        : state with { Update = update, UpdateContext = null, Updated = false };

    /// <summary>A new epoch voids the orders of those before it.</summary>
    private static DomainKnowledge AtEpoch(DomainKnowledge state, long epoch) => epoch <= state.Epoch
        ? state
        : state with { Epoch = epoch, Run = null, Stop = null, Release = false, Launched = false, Refusal = null, MigrationOrders = [], Update = null, UpdateContext = null, Updated = false };
}
