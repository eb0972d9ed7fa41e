using System.Globalization;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>What is to be done about a copy.</summary>
internal abstract record ConvergenceStep
{
    public sealed record SetDowntime(long Ms) : ConvergenceStep;

    public sealed record Pause : ConvergenceStep;

    /// <summary>Let the guest go on at the target; what is left of its memory follows.</summary>
    public sealed record Switch : ConvergenceStep;

    /// <param name="Message">For the migration's <c>failureReason</c>.</param>
    public sealed record GiveUp(string Message) : ConvergenceStep;
}

/// <summary>
/// Sees to it that a copy ends: from QEMU's figures, whether it will by itself, and if not, what of that which is allowed to do, the
/// mildest first. A pure function; it is asked a few times a second at the source, where the figures are, so that it needs neither the
/// node's agent nor the control plane.
/// </summary>
/// <remarks>Holding the guest's CPUs back (auto-converge) is QEMU's own doing once it is allowed; here it is only seen.</remarks>
internal sealed record Convergence(ConvergenceRules Rules)
{
    /// <summary>KubeVirt's numbers for its tuning of the downtime: passes over memory before the first change, and the time between two.</summary>
    private const long PassesBeforeWidening = 3;
    private static readonly TimeSpan WideningInterval = TimeSpan.FromSeconds(10);

    /// <summary>A shorter migration is over before anybody has read of it.</summary>
    private static readonly TimeSpan SilentAtFirst = TimeSpan.FromSeconds(3);

    /// <summary>A copy ends by itself when the guest's writing leaves this part of the bandwidth free.</summary>
    private const double Headroom = 0.1;

    /// <summary>An estimate is corrected when it is wrong by this factor, and not all the time.</summary>
    private const double Wrong = 2;
    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(10);

    private long _lowest = long.MaxValue;
    private TimeSpan _lowestAt;
    private long _sent;
    private TimeSpan _sentAt;
    private long _downtimeMs = Rules.FirstDowntimeMs;
    private TimeSpan? _widenedAt;
    private TimeSpan? _pausedAt;
    private bool _isSwitching;

    /// <summary>By then QEMU has to have switched; the downtime is as wide as it may be since a stall.</summary>
    private TimeSpan? _switchedBy;
    private StallWatch? _stall = Rules.Stall is { } settings ? new StallWatch(settings) : null;
    private TimeSpan? _promised;
    private TimeSpan _toldAt;

    /// <summary>What to tell of it; changes only when there is something new to tell.</summary>
    public MigrationForecast? Forecast { get; private init; }

    /// <param name="elapsed">Since the attempt began.</param>
    /// <param name="progress">Null while libvirt has nothing to tell yet.</param>
    public (Convergence Next, ConvergenceStep? Step) Decide(TimeSpan elapsed, MigrationProgress? progress)
    {
        var seen = See(elapsed, progress);
        return seen.Step(elapsed, progress) switch
        {
            ConvergenceStep.Pause pause => ((seen with { _pausedAt = elapsed }).Tell(elapsed, progress), pause),
            ConvergenceStep.Switch change => ((seen with { _isSwitching = true }).Tell(elapsed, progress), change),
            ConvergenceStep.SetDowntime wider => ((seen with { _downtimeMs = wider.Ms, _widenedAt = elapsed, _switchedBy = Rules.Stall is { } s ? elapsed + TimeSpan.FromSeconds(s.Switchover) : null }).Tell(elapsed, progress), wider),
            var step => (seen.Tell(elapsed, progress), step),
        };
    }

    private Convergence See(TimeSpan elapsed, MigrationProgress? p)
    {
        if (p is null)
            return this;
        var lower = p.RemainingBytes < _lowest;
        var sent = p.ProcessedBytes > _sent;
        return this with
        {
            _lowest = lower ? p.RemainingBytes : _lowest,
            _lowestAt = lower ? elapsed : _lowestAt,
            _sent = sent ? p.ProcessedBytes : _sent,
            _sentAt = sent ? elapsed : _sentAt,
            _stall = _stall?.See(elapsed, p),
        };
    }

    private ConvergenceStep? Step(TimeSpan elapsed, MigrationProgress? p)
    {
        // From here on it ends with the guest at the target, or with the guest.
        if (_isSwitching)
            return null;
        if (_stall is not null)
            return Unstall(elapsed, p, _stall);
        if (Rules.NoProgress is { } patience && elapsed - _lowestAt > patience && (_pausedAt is not { } paused || elapsed - paused > patience))
        {
            // Pausing the guest helps against a guest that writes too much, not against a network that carries nothing.
            return MayEnd && elapsed - _sentAt < patience ? End() : GiveUp($"stuck for {Seconds(elapsed - _lowestAt)}");
        }

        if (Rules.Completion is { } completion && elapsed > completion * (_pausedAt is null ? 1 : 2))
            return MayEnd && p is not null ? End() : GiveUp($"not completed after {Seconds(elapsed)}");
        if (_pausedAt is not null || p is null)
            return null;
        return Widen(elapsed, p) is { } wider ? wider : IsHopeless(p) ? new ConvergenceStep.Switch() : null;
    }

    /// <summary>Where stalls are looked for, they decide, and neither a low that was not reached nor what the copy would need.</summary>
    private ConvergenceStep? Unstall(TimeSpan elapsed, MigrationProgress? p, StallWatch stall)
    {
        // Nobody disturbs a guest for a network that has gone away.
        var canEnd = p is not null && (Rules.Completion is not { } completion || stall.CanSend(p.RemainingBytes, within: (completion * stall.Settings.CompletionFactor) - elapsed));
        if (_pausedAt is not null)
        {
            return elapsed > Rules.Completion * stall.Settings.CompletionFactor ? GiveUp($"not completed after {Seconds(elapsed)}")
                : elapsed - _sentAt > Rules.NoProgress ? GiveUp($"stuck for {Seconds(elapsed - _sentAt)}")
                : null;
        }

        if ((_switchedBy ?? Rules.Completion) is { } limit && elapsed > limit)
            return MayEnd && canEnd ? End() : GiveUp($"not completed after {Seconds(elapsed)}");
        if (_switchedBy is not null || p is null || !canEnd || !stall.IsGoodMoment(p.RemainingBytes))
            return null;
        if (MayEnd)
            return End();
        var needed = stall.MillisecondsFor(p.RemainingBytes);
        return needed <= Rules.LastDowntimeMs * stall.Settings.PrecopyPossible
            ? new ConvergenceStep.SetDowntime(Rules.LastDowntimeMs)
            : GiveUp($"stalled, and the guest would have to stand still for {needed:0} ms where {Rules.LastDowntimeMs} ms are allowed");
    }

    /// <summary>The guest may be made to let the copy end, and has not been.</summary>
    private bool MayEnd => _pausedAt is null && (Rules.MayPause || Rules.MayPostCopy);

    private ConvergenceStep End() => Rules.MayPostCopy ? new ConvergenceStep.Switch() : new ConvergenceStep.Pause();

    /// <summary>Nothing milder is left that could end the copy, so there is nothing to wait for. All of the memory has been sent by then.</summary>
    private bool IsHopeless(MigrationProgress p) => Rules is { MayPostCopy: true, MayThrottle: false } && _downtimeMs >= Rules.LastDowntimeMs
        && p.BytesPerSecond > 0 && p.Iteration >= PassesBeforeWidening && !EndsByItself(p) && p.RemainingBytes * 1000 / p.BytesPerSecond > _downtimeMs;

    /// <summary>QEMU switches when what is left can be sent within the downtime: so long as the lowest that was left would have taken.</summary>
    private ConvergenceStep.SetDowntime? Widen(TimeSpan elapsed, MigrationProgress p)
    {
        if (Rules.Steps is { } steps)
            return StepUp(elapsed, p, steps);
        if (_downtimeMs >= Rules.LastDowntimeMs || p.BytesPerSecond <= 0 || p.Iteration < PassesBeforeWidening || EndsByItself(p) || elapsed - _widenedAt < WideningInterval)
            return null;
        var needed = _lowest * 1000 / p.BytesPerSecond;
        return new ConvergenceStep.SetDowntime(Math.Clamp(needed, _downtimeMs + 1, Rules.LastDowntimeMs));
    }

    private ConvergenceStep.SetDowntime? StepUp(TimeSpan elapsed, MigrationProgress p, DowntimeSteps steps)
    {
        if (_downtimeMs >= Rules.LastDowntimeMs || p.Iteration < steps.StartAfterIteration || elapsed - (_widenedAt ?? TimeSpan.Zero) < TimeSpan.FromSeconds(steps.CooldownSeconds))
            return null;
        var step = Math.Max(1, (Rules.LastDowntimeMs - Rules.FirstDowntimeMs) / Math.Max(1, steps.Steps));
        return new ConvergenceStep.SetDowntime(Math.Min(_downtimeMs + step, Rules.LastDowntimeMs));
    }

    private static bool EndsByItself(MigrationProgress p) => p.DirtyBytesPerSecond < p.BytesPerSecond * (1 - Headroom);

    private static ConvergenceStep.GiveUp GiveUp(string why) => new($"Live migration has been aborted: {why}");

    private Convergence Tell(TimeSpan elapsed, MigrationProgress? p)
    {
        if (p is null || (elapsed < SilentAtFirst && _pausedAt is null && !_isSwitching))
            return this;
        var strategy = _isSwitching ? MigrationStrategy.PostCopy
            : _pausedAt is not null ? MigrationStrategy.Paused
            : p.ThrottlePercent > 0 ? MigrationStrategy.Throttling
            : _widenedAt is not null ? MigrationStrategy.WideningDowntime
            : MigrationStrategy.Copying;
        var end = EndOf(elapsed, p);
        if (Forecast?.Strategy == strategy && !IsNews(elapsed, end))
            return this;
        return this with { _promised = end, _toldAt = elapsed, Forecast = new MigrationForecast(strategy, $"{Doing(strategy, p)}; {Numbers(p)}; {Outlook(elapsed, end)}") };
    }

    /// <summary>When the copy will be whole if nothing changes; null if never.</summary>
    private TimeSpan? EndOf(TimeSpan elapsed, MigrationProgress p)
    {
        var isStill = _pausedAt is not null || _isSwitching;
        var net = p.BytesPerSecond - (isStill ? 0 : p.DirtyBytesPerSecond);
        return net > 0 && (isStill || EndsByItself(p)) ? elapsed + TimeSpan.FromSeconds((double)p.RemainingBytes / net) : null;
    }

    private bool IsNews(TimeSpan elapsed, TimeSpan? end)
    {
        if (elapsed - _toldAt < TellInterval)
            return false;
        if (end is null || _promised is null)
            return end is null != _promised is null;
        var (was, now) = (Math.Max(1, (_promised.Value - elapsed).TotalSeconds), Math.Max(1, (end.Value - elapsed).TotalSeconds));
        // An estimate that comes true shrinks by itself; only one that grows is worth another word.
        return now > was * Wrong && now - was > SilentAtFirst.TotalSeconds;
    }

    private string Doing(MigrationStrategy strategy, MigrationProgress p) => strategy switch
    {
        MigrationStrategy.Paused => "the guest is paused until the copy is whole",
        MigrationStrategy.PostCopy => "the guest goes on at the target, and what is left of its memory follows (post-copy)",
        MigrationStrategy.Throttling => $"the guest's CPUs are held back by {p.ThrottlePercent} %",
        MigrationStrategy.WideningDowntime => $"the guest may stand still for {_downtimeMs} ms at the switch",
        _ => "copying while the guest runs",
    };

    private static string Numbers(MigrationProgress p) =>
        $"{MiB(p.RemainingBytes)} MiB of {MiB(p.TotalBytes)} MiB left, {MiB(p.BytesPerSecond)} MiB/s are sent and {MiB(p.DirtyBytesPerSecond)} MiB/s written by the guest";

    private string Outlook(TimeSpan elapsed, TimeSpan? end)
    {
        if (end is { } at)
            return $"about {Seconds(at - elapsed)} to go";
        return (Rules.Completion, Rules.MayPause) switch
        {
            ({ } completion, _) when Rules.MayPostCopy => $"this does not end by itself: post-copy begins in {Seconds(completion - elapsed)} at the latest",
            ({ } completion, true) => $"this does not end by itself: the guest is paused in {Seconds(completion - elapsed)}",
            ({ } completion, false) => $"this does not end by itself: it is given up in {Seconds(completion - elapsed)}",
            _ => "this does not end by itself",
        };
    }

    private static string MiB(long bytes) => (bytes / (1 << 20)).ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => $"{Math.Max(1, Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture)} s";
}
