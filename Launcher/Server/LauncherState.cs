using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Server;

/// <summary>What a launcher answers to a request before anything is done about it.</summary>
internal enum Verdict
{
    /// <summary>Do it.</summary>
    Act,
    /// <summary>It is so already.</summary>
    AlreadyDone,
    /// <summary>An epoch before the granted one has no right here any more.</summary>
    Stale,
    /// <summary>There is nothing to do it to.</summary>
    NoDomain,
}

/// <summary>The launcher's memory of the right to run its guest, as pure functions.</summary>
/// <param name="Epoch">The highest epoch granted; 0 before the first.</param>
/// <param name="Started">The guest was started once: a transient domain that has ended is never started again by the same launcher.</param>
internal sealed record LauncherState(long Epoch = 0, bool Started = false)
{
    public (LauncherState Next, Verdict Verdict) Decide(ILauncherRequest request, DomainState domain)
    {
        var exists = domain is not (DomainState.NoDomain or DomainState.Shutoff or DomainState.Crashed);
        return request switch
        {
            LauncherHello => (this, Verdict.AlreadyDone),
            LaunchDomain { Epoch: var e } when e < Epoch => (this, Verdict.Stale),
            LaunchDomain { Epoch: var e } => (this with { Epoch = e, Started = true }, Started ? Verdict.AlreadyDone : Verdict.Act),
            ShutdownDomain { Epoch: var e } when e < Epoch => (this, Verdict.Stale),
            ShutdownDomain => (this, exists ? Verdict.Act : Verdict.NoDomain),
            DestroyDomain { Epoch: var e } when e < Epoch => (this, Verdict.Stale),
            DestroyDomain => (this, exists ? Verdict.Act : Verdict.NoDomain),
            // An operation starts no guest, so whoever does not know the epoch may leave it out.
            OperateDomain { Epoch: var e } when e != 0 && e < Epoch => (this, Verdict.Stale),
            OperateDomain => (this, exists ? Verdict.Act : Verdict.NoDomain),
            SyncDomain { Epoch: var e } when e < Epoch => (this, Verdict.Stale),
            SyncDomain => (this, exists ? Verdict.Act : Verdict.NoDomain),
            QuitLauncher { Epoch: var e } when e < Epoch => (this, Verdict.Stale),
            QuitLauncher => (this, Verdict.Act),
            PrepareIncoming { Epoch: var e } when e < Epoch || (Started && e > Epoch) => (this, Verdict.Stale),
            // A target's guest comes from elsewhere; it is never started here.
            PrepareIncoming { Epoch: var e } => (this with { Epoch = e, Started = true }, Verdict.Act),
            AdoptIncoming { Epoch: var e } => (this, e == Epoch ? Verdict.Act : Verdict.Stale),
            RefuseIncoming { Epoch: var e } => (this, e == Epoch ? Verdict.Act : Verdict.Stale),
            MigrateDomain { Epoch: var e } => (this, e == Epoch ? Verdict.Act : Verdict.Stale),
            AbortMigrate { Epoch: var e } => (this, e == Epoch ? Verdict.Act : Verdict.Stale),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request, "not a request of this protocol"),
        };
    }

    /// <summary>A start that failed may be tried again.</summary>
    public LauncherState NotStarted() => this with { Started = false };
}
