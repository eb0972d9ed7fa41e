using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Domains;

/// <summary>What a DomainActor knows of one VMI's domain on this node.</summary>
public sealed record DomainKnowledge(string VmiUid)
{
    /// <summary>The highest epoch ever commanded; nothing below it is obeyed.</summary>
    public long Epoch { get; init; }
    public string? PodUid { get; init; }
    public RunDomain? Run { get; init; }
    public StopDomain? Stop { get; init; }
    public bool Release { get; init; }
    public bool Connected { get; init; }

    /// <summary>The launcher was connected once; a connection that cannot be made again means that it is gone.</summary>
    public bool WasConnected { get; init; }
    public int FailedReconnects { get; init; }
    public LaunchContext? Context { get; init; }
    public bool Launched { get; init; }
    public DomainObservation? Observation { get; init; }
    public LauncherPresence Presence { get; init; } = LauncherPresence.Awaited;

    public bool IsOver => Observation?.State is DomainState.Shutoff or DomainState.Crashed || Presence is LauncherPresence.Lost;
}

/// <summary>The one thing to do next for a domain.</summary>
public abstract record DomainStep
{
    public sealed record Connect(string PodUid) : DomainStep;

    public sealed record PrepareNetwork : DomainStep;

    public sealed record Ask(ILauncherRequest Request) : DomainStep;

    /// <summary>Press the button, and come back to it: again after the interval, and to destroy at the deadline.</summary>
    public sealed record Shutdown(DateTimeOffset Deadline) : DomainStep;

    public sealed record Forget : DomainStep;

    public sealed record Wait : DomainStep;
}

/// <summary>The node's side of the lifecycle, as pure functions.</summary>
public static class DomainSteps
{
    /// <summary>Reconnects that may fail before a launcher counts as gone; its socket vanishes with its pod, so this is quick.</summary>
    public const int MaxReconnects = 5;

    /// <summary>Takes a command in; null when it is to be refused because its epoch is over.</summary>
    public static DomainKnowledge? Command(DomainKnowledge state, IDomainCommand command)
    {
        if (command.Epoch < state.Epoch)
            return null;
        state = state with { Epoch = command.Epoch };
        return command switch
        {
            // A repeated order is the same order; only a new epoch starts anew.
            RunDomain run => state with { Run = state.Run is { } known && known.Epoch == run.Epoch ? known : run, PodUid = run.PodUid },
            StopDomain stop => state with { Stop = stop },
            ReleaseDomain => state with { Release = true },
            _ => state,
        };
    }

    public static DomainStep Next(DomainKnowledge state, DateTimeOffset now)
    {
        if (state.Presence is LauncherPresence.Lost)
            return state.Release ? new DomainStep.Forget() : new DomainStep.Wait();
        if (!state.Connected)
            return state.PodUid is { } pod ? new DomainStep.Connect(pod) : state.Release ? new DomainStep.Forget() : new DomainStep.Wait();
        if (state.Release)
            return new DomainStep.Ask(new QuitLauncher(state.Epoch));
        if (state.IsOver)
            return new DomainStep.Wait();
        if (state.Stop is { } stop)
        {
            if (state.Observation is not { State: not DomainState.NoDomain })
                return new DomainStep.Ask(new DestroyDomain(state.Epoch));
            return now >= stop.Deadline ? new DomainStep.Ask(new DestroyDomain(state.Epoch)) : new DomainStep.Shutdown(stop.Deadline);
        }

        if (state.Run is not { } run || state.Launched || state.Observation is { State: not DomainState.NoDomain })
            return new DomainStep.Wait();
        return state.Context is { } context ? new DomainStep.Ask(new LaunchDomain(state.Epoch, run.Vmi, context)) : new DomainStep.PrepareNetwork();
    }
}
