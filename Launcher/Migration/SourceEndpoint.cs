using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>What a source endpoint is told.</summary>
internal abstract record SourceInput
{
    public sealed record Start(long TargetEpoch) : SourceInput;

    public sealed record Abort(long TargetEpoch) : SourceInput;

    /// <summary>This launcher's own decision: the copy does not end.</summary>
    public sealed record GiveUp : SourceInput;

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

    /// <summary>See to it that the guest runs again here.</summary>
    KeepGuest = 16,
}

/// <summary>
/// The sending end of a migration, as a pure machine. It answers one question: may the guest still run here? Until it passes the right
/// on it may always go back, because a target without the right does not run what it has; after that, never.
/// </summary>
/// <remarks>
/// libvirt alone leaves a gap: when the target's last answer is lost, it resumes the source while the target may be running. That is
/// why targets are left paused by libvirt and resumed by <see cref="RunGuest"/>.
/// </remarks>
internal sealed record SourceEndpoint(long TargetEpoch = 0, SourceStage Stage = SourceStage.None)
{
    public bool IsBusy => Stage is SourceStage.Migrating or SourceStage.Aborting;

    /// <summary>Should the launcher die now: the guest has not gone back, so that a copy that is whole may run.</summary>
    public bool LeavesWord => Stage is SourceStage.Migrating or SourceStage.PassedOn;

    public (SourceEndpoint Next, SourceActions Actions) Decide(SourceInput input) => input switch
    {
        SourceInput.Start start => OnStart(start.TargetEpoch),
        SourceInput.Abort abort => OnAbort(abort.TargetEpoch),
        SourceInput.GiveUp => OnAbort(TargetEpoch),
        SourceInput.PeerLoaded loaded when loaded.TargetEpoch == TargetEpoch => OnLoaded(),
        SourceInput.Returned returned => OnReturned(returned.Migrated),
        // libvirt may resume the guest by itself from now on, so the right can no more be passed on for sure.
        SourceInput.DaemonLost or SourceInput.LinkLost when Stage is SourceStage.Migrating => To(SourceStage.Aborting),
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) Stay => (this, SourceActions.None);

    /// <summary>An attempt that was begun, or ended before it began, is never begun again; a guest that has left cannot leave.</summary>
    private (SourceEndpoint, SourceActions) OnStart(long epoch) => epoch <= TargetEpoch || IsBusy || Stage is SourceStage.PassedOn
        ? Stay
        : (new SourceEndpoint(epoch, SourceStage.Migrating), SourceActions.Migrate);

    private (SourceEndpoint, SourceActions) OnAbort(long epoch)
    {
        if (epoch == TargetEpoch)
            return IsBusy ? To(SourceStage.Aborting, SourceActions.CancelJob) : Stay;
        // Told to end what it has not heard of: a start that comes later finds it ended.
        return epoch > TargetEpoch && !IsBusy && Stage is not SourceStage.PassedOn ? (new SourceEndpoint(epoch, SourceStage.Kept), SourceActions.None) : Stay;
    }

    private (SourceEndpoint, SourceActions) OnLoaded() => Stage switch
    {
        SourceStage.Migrating => To(SourceStage.PassedOn, SourceActions.KillGuest | SourceActions.SendRun),
        SourceStage.PassedOn => (this, SourceActions.SendRun),
        // While aborting, libvirt may be resuming the guest at this moment. Its call's result will tell.
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) OnReturned(bool migrated) => (IsBusy, migrated) switch
    {
        (true, true) => To(SourceStage.PassedOn, SourceActions.SendRun),
        (true, false) => To(SourceStage.Kept, SourceActions.KeepGuest),
        _ => Stay,
    };

    private (SourceEndpoint, SourceActions) To(SourceStage stage, SourceActions actions = SourceActions.None) => (this with { Stage = stage }, actions);
}
