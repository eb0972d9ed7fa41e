using Troupe.ControlPlane.Migration;
using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Protocol.Tests.Model;

internal enum Kind { Normal, Fault }

/// <summary>One thing that may happen next.</summary>
/// <param name="Can">Whether it may happen in a world.</param>
/// <param name="Do">Makes it happen in a copy of that world.</param>
internal sealed record Move(string Name, Kind Kind, Func<World, bool> Can, Action<World> Do);

/// <summary>
/// Everything that may happen. A message stays in flight after it was delivered, so that it may come again at any time; one that is
/// never delivered is lost.
/// </summary>
internal static class Moves
{
    public static IReadOnlyList<Move> All(Parties parties, int attempts) =>
    [
        .. Conducting(parties, attempts), .. Commands(parties), .. Reports(), .. Hypervisor(parties), .. Link(parties), .. Faults(parties),
        .. parties.MayPostCopy ? PostCopy(parties) : [], .. parties.MovesState ? State() : [],
    ];

    private static IEnumerable<Move> PostCopy(Parties p)
    {
        yield return Normal("the source's launcher decides for post-copy", w => w is { SourceAlive: true, Source: SourceStage.Migrating, Job: Job.Copying or Job.Switching, Told: false }, w => p.Tell(w, new SourceInput.Switch()));
        yield return Fault("QEMU refuses to switch", w => w is { SourceAlive: true, Source: SourceStage.Switching, Job: Job.Copying, Told: true }, w =>
        {
            w.Told = false;
            p.Tell(w, new SourceInput.SwitchRefused());
        });
        yield return Normal("the source's QEMU switches to post-copy", w => w is { Told: true, Job: Job.Copying, LinkUp: true, TargetQemu: Qemu.Incoming, SourceQemu: Qemu.Running, Daemon: Daemon.Up }, w =>
        {
            (w.Job, w.SourceQemu, w.InSwitch, w.Partial) = (Job.PostCopy, Qemu.PostCopy, true, true);
            w.Wire |= Wire.Package;
        });
        yield return Normal("the source's QEMU has switched for good", w => w is { SourceQemu: Qemu.PostCopy, InSwitch: true }, w => w.InSwitch = false);
        yield return Normal("the source's QEMU goes back on its switch, its connection being closed", w => w is { SourceQemu: Qemu.PostCopy, InSwitch: true, MemoryClosed: true }, w =>
        {
            (w.InSwitch, w.Told) = (false, false);
            Parties.Resume(w);
        });
        yield return Normal("the target's QEMU has the guest's devices", w => w.Wire.HasFlag(Wire.Package) && w.TargetQemu is Qemu.Incoming, w =>
        {
            w.Wire &= ~Wire.Package;
            w.TargetQemu = Qemu.Packaged;
        });
        yield return Normal("libvirt's last step comes to the source's launcher", w => w is { SourceAlive: true, RpcOpen: true, Daemon: Daemon.Up, Finishing: false, Job: Job.Switching or Job.PostCopy }, w =>
        {
            w.Finishing = true;
            p.Tell(w, new SourceInput.Finishing(w.Job is Job.PostCopy));
        });
        yield return Normal("the target's libvirt runs the guest", w => w.Wire.HasFlag(Wire.FinishRunning) && w is { Pod: TargetPodState.Running } and ({ TargetQemu: Qemu.Packaged } or { TargetQemu: Qemu.Incoming, Job: Job.Switching, LinkUp: true }), w =>
        {
            w.Wire &= ~Wire.FinishRunning;
            w.TargetQemu = Qemu.Running;
            w.Noticing |= Noticing.Switched;
        });
        yield return Normal("the target's launcher sees that the guest runs", w => w.Noticing.HasFlag(Noticing.Switched) && w.Pod is TargetPodState.Running, w =>
        {
            w.Noticing &= ~Noticing.Switched;
            p.Tell(w, new TargetInput.Switched());
        });
        yield return Normal("the rest of the memory has come", w => w is { TargetQemu: Qemu.Running, Partial: true, LinkUp: true, SourceQemu: Qemu.PostCopy, InSwitch: false }, w =>
        {
            w.Partial = false;
            w.Wire |= Wire.FinishReply;
        });
        yield return Normal("the target's launcher sees that all memory is there", w => w is { TargetQemu: Qemu.Running, Partial: false, Target: TargetStage.Arriving, Pod: TargetPodState.Running }, w => p.Tell(w, new TargetInput.Whole()));
        yield return Normal("the target's launcher ends what will never be whole", w => w is { TargetQemu: Qemu.Running, Partial: true, Pod: TargetPodState.Running } && (!w.LinkUp || w.SourceQemu is Qemu.Dead), w =>
        {
            w.TargetQemu = Qemu.Dead;
            w.Noticing |= Noticing.Gone;
        });
    }

    /// <summary>What the API server does with the two claims; the conductor goes by what it finds there, and hears of it at the end only.</summary>
    private static IEnumerable<Move> State()
    {
        yield return Deliver("the new claim's label", Mail.HandOverState, w => w.NewClaim is NewClaim.Made, w => w.NewClaim = NewClaim.Guests);
        yield return Deliver("the old claim's deletion", Mail.HandOverState | Mail.DropState, w => w is { NewClaim: NewClaim.Guests, OldClaimGone: false }, w => w.OldClaimGone = true);
        yield return Deliver("the new claim's deletion", Mail.DropState, w => w.NewClaim is NewClaim.Made, w => w.NewClaim = NewClaim.Gone);
        yield return Deliver("the API server's answer", Mail.HandOverState | Mail.DropState, w => (w.OldClaimGone || w.NewClaim is NewClaim.None or NewClaim.Gone) && w is { Ongoing: true, HeardStateSettled: false }, w => w.HeardStateSettled = true);
    }

    private static IEnumerable<Move> Conducting(Parties p, int attempts)
    {
        yield return Normal("the conductor decides", w => w.Ongoing, w => p.Conduct(w));
        yield return Normal("the API server shows the target pod", w => w.HeardPod != w.Pod, w => (w.HeardPod, w.HeardTargetReleased) = (w.Pod, w.Pod is TargetPodState.Gone));
        yield return Normal("the API server shows that the source pod has ended", w => w.SourcePodOver && !w.HeardSourceOver, w => w.HeardSourceOver = true);
        yield return Normal("the API server shows that the source pod is gone", w => w is { SourcePodOver: true, HandedOver: true, HeardSourceReleased: false }, w => w.HeardSourceReleased = w.HeardSourceLost = true);
        yield return Normal("the API server shows that the source pod has ended well", w => w is { SourcePodOver: true, HandedOver: true, HeardSourceReleased: false }, w => w.HeardSourceReleased = true);
        yield return Normal("a target that has no guest is waited for no longer", w => w is { Ongoing: true, SourcePodOver: true, TargetQemu: Qemu.None or Qemu.Dead } && w.HeardSource is SourceStage.Stopped, w => p.Conduct(w, late: true));
        yield return Normal("the target pod starts", w => w.Pod is TargetPodState.Pending, w => w.Pod = TargetPodState.Running);
        yield return Normal("another migration is accepted", w => !w.Ongoing && !w.HandedOver && w.Attempt < attempts && w.SourceAlive && w.SourceQemu is Qemu.Running, NextAttempt);
    }

    private static IEnumerable<Move> Commands(Parties p)
    {
        yield return Deliver("PrepareTarget", Mail.Prepare, w => w.Pod is TargetPodState.Running, w => p.Tell(w, new TargetInput.Prepare(w.Attempt)));
        yield return Deliver("AdoptDomain", Mail.Adopt, w => w.Pod is TargetPodState.Running, w => p.Tell(w, new TargetInput.Adopt(w.Attempt)));
        yield return Deliver("RefuseMigration", Mail.Refuse, w => w.Pod is TargetPodState.Running, w => p.Tell(w, new TargetInput.Refuse(w.Attempt)));
        yield return Deliver("ReleaseDomain of the target", Mail.ReleaseTarget, w => w.Pod is TargetPodState.Running, w => EndTarget(w, TargetPodState.Over));
        yield return Deliver("the target pod's deletion", Mail.DeleteTargetPod, w => w.Pod is not TargetPodState.Gone, w => EndTarget(w, TargetPodState.Gone));
        yield return Deliver("StartMigration", Mail.Start, w => w.SourceAlive, w => p.Tell(w, new SourceInput.Start(w.Attempt)));
        yield return Deliver("AbortMigration", Mail.Abort, w => w.SourceAlive, w => p.Tell(w, new SourceInput.Abort(w.Attempt)));
        yield return Normal("StartMigration of the attempt before arrives", w => w.OldMail.HasFlag(Mail.Start) && w.SourceAlive, w => p.Tell(w, new SourceInput.Start(w.Attempt - 1)));
        yield return Normal("AbortMigration of the attempt before arrives", w => w.OldMail.HasFlag(Mail.Abort) && w.SourceAlive, w => p.Tell(w, new SourceInput.Abort(w.Attempt - 1)));
        yield return Deliver("ReleaseDomain of the source", Mail.ReleaseSource, w => w.SourceAlive, EndSource);
        yield return Deliver("the source pod's deletion", Mail.DeleteSourcePod, w => w.SourceAlive, EndSource);
    }

    private static IEnumerable<Move> Reports()
    {
        // The agent says the last one, with its report that the launcher is gone.
        foreach (var stage in Enum.GetValues<SourceStage>()[1..^1])
        {
            var mail = (Mail)((uint)Mail.SourceSays0 << (int)stage);
            yield return Deliver($"the source's report of {stage}", mail, w => w.HeardSource < stage, w => w.HeardSource = stage);
        }

        foreach (var stage in Enum.GetValues<TargetStage>()[1..])
        {
            var mail = (Mail)((uint)Mail.TargetSays0 << (int)stage);
            yield return Deliver($"the target's report of {stage}", mail, w => w.HeardTarget < stage, w => w.HeardTarget = stage);
        }

        yield return Deliver("the report that the source launcher is gone", Mail.SourceLost, w => !w.HeardSourceLost, w =>
        {
            w.HeardSourceLost = true;
            if (w.Word && w.SourceEpoch == w.Attempt && w.HeardSource is not SourceStage.PassedOn)
                w.HeardSource = SourceStage.Stopped;
        });
        yield return Deliver("the report of the guest's end", Mail.GuestEnded, w => !w.HeardGuestEnded, w => w.HeardGuestEnded = true);
        yield return Deliver("the report that the target launcher is gone", Mail.TargetLost, w => !w.HeardTargetLost, w => w.HeardTargetLost = true);
    }

    /// <summary>What is so is said at once and again after a loss; how long it is on its way is open.</summary>
    public static void Report(World w)
    {
        if (w.SourceAlive && w.SourceEpoch == w.Attempt && w.Source is not SourceStage.None)
            w.Mail |= (Mail)((uint)Mail.SourceSays0 << (int)w.Source);
        if (w is { SourceAlive: true, SourceQemu: Qemu.Dead } && w.Source is not SourceStage.PassedOn)
            w.Mail |= Mail.GuestEnded;
        if (w.SourcePodOver)
            w.Mail |= Mail.SourceLost;
        if (w.Pod is TargetPodState.Running && w.Target is not TargetStage.None)
            w.Mail |= (Mail)((uint)Mail.TargetSays0 << (int)w.Target);
        if (w.Pod is TargetPodState.Over)
            w.Mail |= Mail.TargetLost;
    }

    private static IEnumerable<Move> Hypervisor(Parties p)
    {
        yield return Normal("the target launcher listens", w => w.Pod is TargetPodState.Running && w.Target is TargetStage.Preparing, w => p.Tell(w, new TargetInput.Prepared(true)));
        yield return Normal("libvirt starts the target's QEMU", w => w is { Job: Job.Copying, LinkUp: true, TargetQemu: Qemu.None, Daemon: Daemon.Up }, w => w.TargetQemu = Qemu.Incoming);
        yield return Normal("memory is copied, the source's QEMU stands still", w => w is { Job: Job.Copying, LinkUp: true, TargetQemu: Qemu.Incoming, SourceQemu: Qemu.Running, Daemon: Daemon.Up },
            w => (w.Job, w.SourceQemu) = (Job.Switching, Qemu.Paused));
        yield return Normal("the target's libvirt finishes", w => w is { Job: Job.Switching, LinkUp: true, TargetQemu: Qemu.Incoming } && (!p.MayPostCopy || w.Wire.HasFlag(Wire.FinishPaused)), w =>
        {
            w.Wire &= ~Wire.FinishPaused;
            w.TargetQemu = Qemu.Loaded;
            w.Noticing |= Noticing.Loaded;
            w.Wire |= Wire.FinishReply;
        });
        yield return Normal("the source's libvirt confirms", w => w is { Job: Job.Switching or Job.PostCopy, RpcOpen: true, Daemon: Daemon.Up } && w.Wire.HasFlag(Wire.FinishReply), w =>
        {
            (w.Job, w.SourceQemu) = (Job.Succeeded, Qemu.Dead);
            w.Wire &= ~Wire.FinishReply;
        });
        yield return Normal("the source's libvirt gives up", w => w.Job is Job.Copying or Job.Switching or Job.PostCopy && w.Daemon is Daemon.Up && (!w.RpcOpen || w.SourceQemu is Qemu.Dead), w =>
        {
            w.Job = Job.Failed;
            w.RpcOpen = false;
            if (w.SourceQemu is Qemu.Paused)
                Parties.Resume(w);
        });
        yield return Normal("the call returns", w => w is { SourceAlive: true, Daemon: Daemon.Up, Job: Job.Succeeded or Job.Failed }, w =>
        {
            var migrated = w.Job is Job.Succeeded;
            w.Job = Job.None;
            p.Tell(w, new SourceInput.Returned(migrated));
        });
        yield return Normal("the launcher notices that its libvirt died", w => w.Daemon is Daemon.Dead && w.SourceAlive, w =>
        {
            w.Daemon = Daemon.Noticed;
            p.Tell(w, new SourceInput.DaemonLost());
        });
        yield return Normal("the source launcher's death ends its pod", w => w is { SourceAlive: false, SourcePodOver: false }, EndSource);
        yield return Normal("libvirt starts again and resumes what stands still", w => w is { Daemon: Daemon.Noticed, SourceAlive: true }, w =>
        {
            w.Daemon = Daemon.Up;
            if (w.SourceQemu is Qemu.Paused)
                Parties.Resume(w);
        });
        yield return Normal("libvirt starts again", w => w is { Daemon: Daemon.Noticed, SourceAlive: true }, w => w.Daemon = Daemon.Up);
    }

    private static IEnumerable<Move> Link(Parties p)
    {
        yield return Normal("the target's launcher sees the guest loaded", w => w.Noticing.HasFlag(Noticing.Loaded) && w.Pod is TargetPodState.Running, w =>
        {
            w.Noticing &= ~Noticing.Loaded;
            p.Tell(w, new TargetInput.Loaded());
        });
        yield return Normal("the target's launcher sees the guest gone", w => w.Noticing.HasFlag(Noticing.Gone) && (w.Noticing & (Noticing.Loaded | Noticing.Switched)) is Noticing.None && w.Pod is TargetPodState.Running, w =>
        {
            w.Noticing &= ~Noticing.Gone;
            p.Tell(w, new TargetInput.Gone());
        });
        yield return Normal("the target's libvirt destroys half a guest", w => w is { TargetQemu: Qemu.Incoming or Qemu.Packaged } and ({ LinkUp: false } or { RpcOpen: false }), w =>
        {
            w.TargetQemu = Qemu.Dead;
            w.Noticing |= Noticing.Gone;
        });
        yield return Normal("the source hears that the guest is loaded", w => w.Wire.HasFlag(Wire.Loaded) && w.SourceAlive, w =>
        {
            w.Wire &= ~Wire.Loaded;
            p.Tell(w, new SourceInput.PeerLoaded(w.TargetEpoch));
        });
        yield return Normal("the target hears that it may run", w => w.Wire.HasFlag(Wire.Run) && w.Pod is TargetPodState.Running, w =>
        {
            w.Wire &= ~Wire.Run;
            p.Tell(w, new TargetInput.PeerRun(w.Attempt));
        });
        yield return Normal("the source notices the broken link", w => w.Noticing.HasFlag(Noticing.LinkLost) && w.SourceAlive, w =>
        {
            w.Noticing &= ~Noticing.LinkLost;
            p.Tell(w, new SourceInput.LinkLost());
            (w.RpcOpen, w.MemoryClosed) = (false, true);
        });
        yield return Normal("the source connects again", w => w is { LinkUp: false, SourceAlive: true, Source: SourceStage.PassedOn, Pod: TargetPodState.Running } && w.SourceEpoch == w.Attempt && !w.TargetHasRight, w =>
        {
            w.LinkUp = true;
            w.Wire |= Wire.Run;
            p.Tell(w, new TargetInput.PeerConnected());
        });
    }

    private static IEnumerable<Move> Faults(Parties p)
    {
        yield return Fault("the link breaks and loses what was on it", w => w.LinkUp, w => BreakLink(w, losing: true, fault: true));
        yield return Fault("the link breaks", w => w.LinkUp && w.Wire is not Wire.None, w => BreakLink(w, losing: false, fault: true));
        yield return Fault("every message in flight is lost", w => w.Mail is not Mail.None, w => w.Mail = w.OldMail = Mail.None);
        yield return Fault("the conductor starts again", w => w.Ongoing, Forget);
        yield return Fault("time is up", w => w.Ongoing && w.Step < MigrationStep.Aborting, w =>
        {
            // What a dead source left is not waited for for ever.
            w.QemuDied |= w.HeardSourceOver || w.HeardSourceLost;
            p.Conduct(w, late: true);
        });
        yield return Fault("the source gives the copy up", w => w.SourceAlive && w.Source is SourceStage.Migrating, w => p.Tell(w, new SourceInput.GiveUp()));
        yield return Fault("the migration is cancelled", w => w.Ongoing && !w.Cancel && w.Step < MigrationStep.HandedOver, w => w.Cancel = true);
        yield return Fault("the target cannot prepare", w => w.Pod is TargetPodState.Running && w.Target is TargetStage.Preparing, w => p.Tell(w, new TargetInput.Prepared(false)));
        yield return Fault("the target launcher dies", w => w.Pod is TargetPodState.Running, w =>
        {
            w.QemuDied |= w.TargetQemu is Qemu.Loaded or Qemu.Running || w.IsFragile;
            EndTarget(w, TargetPodState.Over);
        });
        yield return Fault("the source launcher dies", w => w.SourceAlive, p.SourceDies);
        yield return Fault("the dead source's agent is not waited for any longer", w => w is { Ongoing: true, HeardSourceOver: true, HeardSourceLost: false, HandedOver: false }, w => (w.HeardSourceLost, w.QemuDied) = (true, true));
        yield return Fault("the source's QEMU dies", w => w.SourceQemu is Qemu.Running or Qemu.Paused or Qemu.PostCopy, w => (w.SourceQemu, w.QemuDied) = (Qemu.Dead, w.QemuDied || w.SourceQemu is not Qemu.PostCopy || w.IsFragile));
        yield return Fault("the source's libvirt dies", w => w is { SourceAlive: true, Daemon: Daemon.Up, Source: SourceStage.Migrating or SourceStage.Switching or SourceStage.Aborting or SourceStage.Switched }, w =>
        {
            w.QemuDied |= w.IsFragile;
            (w.Daemon, w.RpcOpen) = (Daemon.Dead, false);
            if (w.Job is Job.Copying or Job.Switching or Job.PostCopy)
                w.Job = Job.Failed;
        });
    }

    private static void BreakLink(World w, bool losing, bool fault = false)
    {
        w.QemuDied |= fault && w.IsFragile;
        w.LinkUp = false;
        w.Noticing |= Noticing.LinkLost;
        if (losing)
            w.Wire = Wire.None;
    }

    private static void EndTarget(World w, TargetPodState pod)
    {
        w.Pod = pod;
        if (w.TargetQemu is not Qemu.None)
            w.TargetQemu = Qemu.Dead;
        if (w.LinkUp)
            BreakLink(w, losing: false);
        w.Wire &= ~Wire.ToTarget;
        w.Noticing &= Noticing.LinkLost;
        (w.Target, w.TargetHasRight) = (TargetStage.None, false);
    }

    private static void EndSource(World w)
    {
        (w.SourceAlive, w.SourcePodOver) = (false, true);
        if (w.SourceQemu is not Qemu.None)
            w.SourceQemu = Qemu.Dead;
        (w.Job, w.LinkUp, w.RpcOpen) = (Job.None, false, false);
        w.Wire &= Wire.ToTarget;
        w.Noticing &= ~Noticing.LinkLost;
    }

    private static void Forget(World w)
    {
        (w.HeardSource, w.HeardTarget, w.HeardPod) = (SourceStage.None, TargetStage.None, TargetPodState.Unknown);
        w.HeardSourceOver = w.HeardSourceLost = w.HeardTargetLost = w.HeardGuestEnded = w.HeardSourceReleased = w.HeardTargetReleased = w.HeardStateSettled = false;
    }

    private static void NextAttempt(World w)
    {
        Forget(w);
        w.OldMail = w.Mail & (Mail.Start | Mail.Abort);
        w.Mail = Mail.None;
        (w.Attempt, w.Ongoing, w.Step, w.Cancel) = (w.Attempt + 1, true, MigrationStep.Accepted, false);
        (w.Pod, w.Target, w.TargetHasRight, w.TargetEpoch, w.TargetQemu) = (TargetPodState.Unknown, TargetStage.None, false, 0, Qemu.None);
        (w.Wire, w.Noticing, w.CopyIsStale, w.LinkUp) = (Wire.None, Noticing.None, false, false);
        w.NewClaim = NewClaim.None;
        w.PostCopy = w.Told = w.InSwitch = w.MemoryClosed = w.Partial = w.Finishing = false;
    }

    private static Move Normal(string name, Func<World, bool> can, Action<World> act) => new(name, Kind.Normal, can, act);

    private static Move Deliver(string name, Mail mail, Func<World, bool> can, Action<World> act) => new($"{name} arrives", Kind.Normal, w => (w.Mail & mail) is not Mail.None && can(w), act);

    private static Move Fault(string name, Func<World, bool> can, Action<World> act) => new(name, Kind.Fault, can, w =>
    {
        w.Faults++;
        act(w);
    });
}
