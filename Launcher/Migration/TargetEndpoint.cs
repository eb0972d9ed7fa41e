using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>What a target endpoint is told.</summary>
internal abstract record TargetInput
{
    public sealed record Prepare(long Epoch) : TargetInput;

    /// <summary>Disks are there and the port is open, or they cannot be.</summary>
    public sealed record Prepared(bool Succeeded) : TargetInput;

    /// <summary>libvirt has the guest whole, and is done with it.</summary>
    public sealed record Loaded : TargetInput;

    /// <summary>libvirt runs the guest, whose source has switched to post-copy: only a source that passes the right on lets that happen.</summary>
    public sealed record Switched : TargetInput;

    /// <summary>All of the memory of the guest that runs here is here.</summary>
    public sealed record Whole : TargetInput;

    /// <summary>The guest is gone from libvirt, or will never have all of its memory.</summary>
    public sealed record Gone : TargetInput;

    /// <summary>The source passes the right on.</summary>
    public sealed record PeerRun(long Epoch) : TargetInput;

    /// <summary>The conductor gives the right.</summary>
    public sealed record Adopt(long Epoch) : TargetInput;

    /// <summary>The source is no more: promise never to run the guest, unless the right is here already.</summary>
    public sealed record Refuse(long Epoch) : TargetInput;

    /// <summary>A source connects (again) and may have missed what was said before.</summary>
    public sealed record PeerConnected : TargetInput;
}

[Flags]
internal enum TargetActions
{
    None = 0,
    Prepare = 1,
    SendLoaded = 2,
    Resume = 4,

    /// <summary>Nothing will come any more: stop listening.</summary>
    Close = 8,

    /// <summary>Look whether the rest of the memory comes.</summary>
    Follow = 16,

    /// <summary>The guest, which runs already, is to be looked at as one that has come.</summary>
    Settle = 32,
}

/// <summary>
/// The receiving end of a migration, as a pure machine. A target launcher lives for one attempt: its pod is made for it. It runs the
/// guest when it has both, the guest and the right.
/// </summary>
internal sealed record TargetEndpoint(long Epoch = 0, TargetStage Stage = TargetStage.None, bool HasRight = false)
{
    public (TargetEndpoint Next, TargetActions Actions) Decide(TargetInput input) => input switch
    {
        TargetInput.Prepare p when Stage is TargetStage.None && !HasRight => (this with { Epoch = p.Epoch, Stage = TargetStage.Preparing }, TargetActions.Prepare),
        TargetInput.Prepared p when Stage is TargetStage.Preparing => p.Succeeded ? (this with { Stage = TargetStage.Ready }, TargetActions.None) : Fail,
        TargetInput.Loaded when Stage is TargetStage.Ready => HasRight ? Run : (this with { Stage = TargetStage.Loaded }, TargetActions.SendLoaded),
        TargetInput.Switched when Stage is TargetStage.Ready => (this with { Stage = TargetStage.Arriving, HasRight = true }, TargetActions.Follow),
        TargetInput.Whole when Stage is TargetStage.Arriving => (this with { Stage = TargetStage.Running }, TargetActions.Settle),
        TargetInput.Gone when Stage is TargetStage.Ready or TargetStage.Loaded or TargetStage.Arriving => Fail,
        TargetInput.PeerRun run when run.Epoch == Epoch => OnRight(),
        TargetInput.Adopt adopt when adopt.Epoch == Epoch => OnRight(),
        TargetInput.Refuse refuse when refuse.Epoch == Epoch && !HasRight => Fail,
        TargetInput.PeerConnected when Stage is TargetStage.Loaded => (this, TargetActions.SendLoaded),
        _ => (this, TargetActions.None),
    };

    private (TargetEndpoint, TargetActions) Run => (this with { Stage = TargetStage.Running, HasRight = true }, TargetActions.Resume);

    private (TargetEndpoint, TargetActions) Fail => (this with { Stage = TargetStage.Failed }, TargetActions.Close);

    // The right may come a moment before libvirt's news that the guest is whole.
    private (TargetEndpoint, TargetActions) OnRight() => Stage is TargetStage.Loaded ? Run : (this with { HasRight = true }, TargetActions.None);
}
