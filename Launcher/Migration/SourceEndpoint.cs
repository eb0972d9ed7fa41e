using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>What a source endpoint is told.</summary>
internal abstract record SourceInput
{
    public sealed record Start(long TargetEpoch) : SourceInput;

    public sealed record Abort(long TargetEpoch) : SourceInput;

    /// <summary>This launcher's own decision: the copy does not end.</summary>
    public sealed record GiveUp : SourceInput;

    /// <summary>This launcher's own decision: the guest is to go on at the target before all of its memory is there.</summary>
    public sealed record Switch : SourceInput;

    /// <summary>QEMU would not hear of it.</summary>
    public sealed record SwitchRefused : SourceInput;

    /// <summary>
    /// libvirt is about to tell the target to finish, which leaves the target paused or runs it, as this launcher lets it. Asked for attempts
    /// that may switch only.
    /// </summary>
    /// <param name="Switched">QEMU is in post-copy: the guest cannot go on here. Otherwise the copy is whole.</param>
    public sealed record Finishing(bool Switched) : SourceInput;

    /// <summary>The target says that it has the guest whole.</summary>
    public sealed record PeerLoaded(long TargetEpoch) : SourceInput;

    /// <summary>libvirt's call came back: the domain is gone here, or it is not.</summary>
    public sealed record Returned(bool Migrated) : SourceInput;

    /// <summary>The libvirt daemon died; what it does with the guest when it comes back is its own decision.</summary>
    public sealed record DaemonLost : SourceInput;

    /// <summary>The connection to the target broke. libvirt does not know yet: it is told by closing its end, after this was decided.</summary>
    public sealed record LinkLost : SourceInput;
}

/// <summary>What the launcher is to do after a source endpoint has decided.</summary>
[Flags]
internal enum SourceActions
{
    None = 0,
    Migrate = 1,
    CancelJob = 2,

    /// <summary>End QEMU here and now: whatever libvirt thinks, this guest never runs again on this side.</summary>
    KillGuest = 4,

    /// <summary>Pass the right on; repeated whenever the target asks again.</summary>
    SendRun = 8,

    /// <summary>See to it that the guest runs again here; one that QEMU has switched cannot, and is ended.</summary>
    KeepGuest = 16,

    /// <summary>Tell QEMU to switch to post-copy.</summary>
    StartPostCopy = 32,

    /// <summary>Let libvirt's last step pass, so that the target's libvirt leaves the guest paused.</summary>
    FinishPaused = 64,

    /// <summary>Let libvirt's last step pass, so that the target's libvirt runs the guest: this passes the right on.</summary>
    FinishRunning = 128,
}

/// <summary>
/// The sending end of a migration, as a pure machine. It answers one question: may the guest still run here? Until it passes the right
/// on it may always go back, because a target without the right does not run what it has; after that, never.
/// </summary>
/// <remarks>
/// libvirt alone leaves a gap: when the target's last answer is lost, it resumes the source while the target may be running. That is
/// why targets are left paused by libvirt and resumed by <see cref="RunGuest"/>. In post-copy a source has to live while the target runs;
/// there QEMU itself sees to it that the guest does not go on here, and the target's libvirt may run it.
/// </remarks>
internal sealed record SourceEndpoint(long TargetEpoch = 0, SourceStage Stage = SourceStage.None)
{
    public bool IsBusy => Stage is SourceStage.Migrating or SourceStage.Switching or SourceStage.Aborting;

    /// <summary>The guest is the target's.</summary>
    public bool HasLeft => Stage is SourceStage.Switched or SourceStage.PassedOn;

    /// <summary>Should the launcher die now: the guest has not gone back, so that a copy that is whole may run.</summary>
    public bool LeavesWord => Stage is SourceStage.Migrating or SourceStage.Switching || HasLeft;

    public (SourceEndpoint Next, SourceActions Actions) Decide(SourceInput input) => input switch
    {
        SourceInput.Start start => OnStart(start.TargetEpoch),
        SourceInput.Abort abort => OnAbort(abort.TargetEpoch),
        SourceInput.GiveUp => OnAbort(TargetEpoch),
        SourceInput.Switch when Stage is SourceStage.Migrating => To(SourceStage.Switching, SourceActions.StartPostCopy),
        SourceInput.SwitchRefused when Stage is SourceStage.Switching => To(SourceStage.Aborting, SourceActions.CancelJob),
        SourceInput.Finishing finishing => OnFinishing(finishing.Switched),
        SourceInput.PeerLoaded loaded when loaded.TargetEpoch == TargetEpoch => OnLoaded(),
        SourceInput.Returned returned => OnReturned(returned.Migrated),
        // libvirt may resume the guest by itself from now on, so the right can no more be passed on for sure.
        SourceInput.DaemonLost or SourceInput.LinkLost when Stage is SourceStage.Migrating or SourceStage.Switching => To(SourceStage.Aborting),
        // What is still here cannot follow the guest any more. Where nothing was missing there, the target runs on.
        SourceInput.LinkLost when Stage is SourceStage.Switched => To(SourceStage.PassedOn, SourceActions.KillGuest),
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) Stay => (this, SourceActions.None);

    /// <summary>An attempt that was begun, or ended before it began, is never begun again; a guest that has left cannot leave.</summary>
    private (SourceEndpoint, SourceActions) OnStart(long epoch) => epoch <= TargetEpoch || IsBusy || HasLeft
        ? Stay
        : (new SourceEndpoint(epoch, SourceStage.Migrating), SourceActions.Migrate);

    private (SourceEndpoint, SourceActions) OnAbort(long epoch)
    {
        if (epoch == TargetEpoch)
            return Stage is SourceStage.Migrating or SourceStage.Aborting ? To(SourceStage.Aborting, SourceActions.CancelJob) : Stay;
        // Told to end what it has not heard of: a start that comes later finds it ended.
        return epoch > TargetEpoch && !IsBusy && !HasLeft ? (new SourceEndpoint(epoch, SourceStage.Kept), SourceActions.None) : Stay;
    }

    private (SourceEndpoint, SourceActions) OnLoaded() => Stage switch
    {
        SourceStage.Migrating or SourceStage.Switching => To(SourceStage.PassedOn, SourceActions.KillGuest | SourceActions.SendRun),
        SourceStage.PassedOn => (this, SourceActions.SendRun),
        // While aborting, libvirt may be resuming the guest at this moment. Its call's result will tell.
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) OnFinishing(bool switched) => (Stage, switched) switch
    {
        (SourceStage.Migrating or SourceStage.Switching, true) => To(SourceStage.Switched, SourceActions.FinishRunning),
        // Aborting began with the end of the connection to the target, so there is no way for the last step to get there.
        (_, true) => Stay,
        _ => (this, SourceActions.FinishPaused),
    };

    private (SourceEndpoint, SourceActions) OnReturned(bool migrated) => (Stage, migrated) switch
    {
        (SourceStage.Switched, true) => To(SourceStage.PassedOn),
        (SourceStage.Switched, false) => To(SourceStage.PassedOn, SourceActions.KillGuest),
        (_, true) when IsBusy => To(SourceStage.PassedOn, SourceActions.SendRun),
        (_, false) when IsBusy => To(SourceStage.Kept, SourceActions.KeepGuest),
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) To(SourceStage stage, SourceActions actions = SourceActions.None) => (this with { Stage = stage }, actions);
}
