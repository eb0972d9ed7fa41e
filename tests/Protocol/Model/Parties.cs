using Troupe.ControlPlane.Migration;
using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Protocol.Tests.Model;

/// <summary>Runs the machines inside of a world: hands them their inputs and does what they decide.</summary>
internal sealed class Parties(Cores cores)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public bool MayPostCopy => cores.PostCopy;

    public bool MovesState => cores.MovesState;

    /// <summary>Asks the conductor until it has no further step, then sends what it wants sent.</summary>
    public void Conduct(World w, bool late = false)
    {
        while (w.Ongoing)
        {
            var migration = new OngoingMigration($"m{w.Attempt}", "m", "pod", w.Attempt, "", Start)
            {
                Step = w.Step,
                TargetNode = w.Step is MigrationStep.Accepted || (w.Step is MigrationStep.Failed && w.HeardPod is TargetPodState.Unknown or TargetPodState.Pending) ? null : "target",
                TargetPodUid = "uid",
                AssignedAt = Start,
                StartedAt = Start,
                PostCopy = w.PostCopy,
                MayPostCopy = cores.PostCopy,
                State = new StateClaims("old", cores.MovesState ? "new" : "old"),
            };
            var decided = cores.Conductor(migration, Facts(w), late ? Start.AddDays(1) : Start);
            late = false;
            if (decided.Step is not { } step)
            {
                Send(w, decided.Actions);
                return;
            }

            if (step is MigrationReleased)
                w.Ongoing = false;
            else
                w.Step = OngoingMigration.Apply(migration, step)!.Step;
            w.HandedOver |= step is RightHandedOver;
            w.PostCopy |= step is RightHandedOver { PostCopy: true };
        }
    }

    public void Tell(World w, SourceInput input)
    {
        var (next, actions) = cores.Source(new SourceEndpoint(w.SourceEpoch, w.Source), input);
        (w.SourceEpoch, w.Source, w.Word) = ((int)next.TargetEpoch, next.Stage, cores.LeavesWord(next));
        if (actions.HasFlag(SourceActions.KillGuest) && w.SourceQemu is not Qemu.None)
            w.SourceQemu = Qemu.Dead;
        if (actions.HasFlag(SourceActions.KeepGuest) && w.SourceQemu is Qemu.Paused)
            Resume(w);
        if (actions.HasFlag(SourceActions.KeepGuest) && w.SourceQemu is Qemu.PostCopy)
            w.SourceQemu = Qemu.Dead;
        w.Told |= actions.HasFlag(SourceActions.StartPostCopy);
        if (actions.HasFlag(SourceActions.FinishPaused) && w is { LinkUp: true, RpcOpen: true })
            w.Wire |= Wire.FinishPaused;
        if (actions.HasFlag(SourceActions.FinishRunning) && w is { LinkUp: true, RpcOpen: true })
            w.Wire |= Wire.FinishRunning;
        if (actions.HasFlag(SourceActions.SendRun) && w.LinkUp)
            w.Wire |= Wire.Run;
        // Cancelling reaches libvirt only while it copies; later the call's own result counts.
        if (actions.HasFlag(SourceActions.CancelJob) && w.Job is Job.Copying)
            (w.Job, w.RpcOpen) = (Job.Failed, false);
        // One that does not hear is ended by closing its connections.
        if (actions.HasFlag(SourceActions.CancelJob) && w.Job is Job.PostCopy)
            (w.RpcOpen, w.MemoryClosed) = (false, true);
        if (actions.HasFlag(SourceActions.Migrate))
            Begin(w);
    }

    public void Tell(World w, TargetInput input)
    {
        var (next, actions) = cores.Target(new TargetEndpoint(w.TargetEpoch, w.Target, w.TargetHasRight), input);
        (w.TargetEpoch, w.Target, w.TargetHasRight) = ((int)next.Epoch, next.Stage, next.HasRight);
        if (actions.HasFlag(TargetActions.SendLoaded) && w.LinkUp)
            w.Wire |= Wire.Loaded;
        if (actions.HasFlag(TargetActions.Resume) && w.TargetQemu is Qemu.Loaded)
            w.TargetQemu = Qemu.Running;
        // What has come and is not to run is ended before anybody is told of it.
        if (actions.HasFlag(TargetActions.Close) && w.TargetQemu is not Qemu.None)
            w.TargetQemu = Qemu.Dead;
    }

    /// <summary>The launcher alone; what else is in its pod lives on for a moment, and the kernel has closed its connections by then.</summary>
    public void SourceDies(World w)
    {
        // The guest was in its hands, unless the target has it and may know that.
        w.QemuDied |= !(w.Word && (w.TargetQemu is Qemu.Loaded || w is { TargetQemu: Qemu.Running, Partial: false }));
        w.SourceAlive = false;
        w.LinkUp = false;
        w.RpcOpen &= cores.HoldsConnection;
        w.MemoryClosed |= !cores.HoldsMemory;
        w.Wire &= Wire.ToTarget;
        w.Noticing &= ~Noticing.LinkLost;
    }

    /// <summary>The guest goes on at the source; a copy that was complete by then is of the past.</summary>
    public static void Resume(World w)
    {
        w.SourceQemu = Qemu.Running;
        w.CopyIsStale |= w.TargetQemu is Qemu.Loaded or Qemu.Running or Qemu.Packaged || w.Wire.HasFlag(Wire.Package);
    }

    private static void Begin(World w)
    {
        // A target that does not listen (any more), or a guest that is gone, fails the call at once.
        if (w.SourceQemu is Qemu.Running && w.Daemon is Daemon.Up && w.Pod is TargetPodState.Running && w.Target is TargetStage.Ready && w.TargetEpoch == w.SourceEpoch)
            (w.Job, w.LinkUp, w.RpcOpen) = (Job.Copying, true, true);
        else
            w.Job = Job.Failed;
    }

    private MigrationFacts Facts(World w) => new()
    {
        SourceNode = "source",
        Source = w.HeardSource,
        SourceLost = w.HeardSourceLost || w.HeardSourceOver,
        SourceEndedAt = (w.HeardSourceOver && !w.HeardSourceLost) || w.HeardSource is SourceStage.Stopped ? Start : null,
        GuestEnded = w.HeardGuestEnded,
        SourceReleased = w.HeardSourceReleased,
        Pod = w.HeardPod,
        PodNode = w.HeardPod is TargetPodState.Running ? "target" : null,
        PodUid = "uid",
        Target = w.HeardTarget,
        TargetLost = w.HeardTargetLost,
        AddressesLed = true,
        MayPostCopy = cores.PostCopy,
        StateSettled = w.HeardStateSettled,
        TargetReleased = w.HeardTargetReleased,
        Cancel = w.Cancel ? ("Cancelled", "Migration failed due to being canceled") : null,
    };

    private void Send(World w, ConductorActions actions)
    {
        if (actions.HasFlag(ConductorActions.CreatePod) && cores.MovesState && w.NewClaim is NewClaim.None)
            w.NewClaim = NewClaim.Made;
        if (actions.HasFlag(ConductorActions.CreatePod) && w.Pod is TargetPodState.Unknown)
            w.Pod = TargetPodState.Pending;
        Post(ConductorActions.PrepareTarget, Mail.Prepare);
        Post(ConductorActions.Start, Mail.Start);
        Post(ConductorActions.Abort, Mail.Abort);
        Post(ConductorActions.Adopt, Mail.Adopt);
        Post(ConductorActions.RefuseTarget, Mail.Refuse);
        Post(ConductorActions.ReleaseSource, Mail.ReleaseSource);
        Post(ConductorActions.DeleteSourcePod, Mail.DeleteSourcePod);
        Post(ConductorActions.ReleaseTarget, Mail.ReleaseTarget);
        Post(ConductorActions.DeleteTargetPod, Mail.DeleteTargetPod);
        Post(ConductorActions.HandOverState, Mail.HandOverState);
        Post(ConductorActions.DropState, Mail.DropState);

        void Post(ConductorActions action, Mail mail)
        {
            if (actions.HasFlag(action))
                w.Mail |= mail;
        }
    }
}
