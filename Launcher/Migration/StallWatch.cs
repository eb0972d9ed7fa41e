using System.Collections.Immutable;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>
/// Tells a copy that makes no headway from one that goes up and down, and then the moments in which little is left (KubeVirt's stallDetector).
/// What is left is compared at the beginning of each pass over memory, as far as looks a few times a second see that.
/// </summary>
internal sealed record StallWatch(StallDetection Settings)
{
    private readonly TimeSpan _window = TimeSpan.FromSeconds(Settings.Window);
    private ImmutableList<(TimeSpan At, long Left)> _passes = [];

    /// <summary>The least that was left before the window.</summary>
    private long? _leastBefore;
    private long _pass;
    private bool _isNewPass;
    private double _bytesPerSecond;

    /// <summary>Once the copy has stalled: what is hoped to be left at a good moment.</summary>
    private long? _aim;

    /// <summary>What was left at the passes since then, of which the least is hoped for next.</summary>
    private ImmutableList<long> _since = [];
    private TimeSpan _patience;
    private TimeSpan _relaxAt;

    public StallWatch See(TimeSpan elapsed, MigrationProgress p)
    {
        var next = this with
        {
            _isNewPass = p.Iteration != _pass,
            _pass = p.Iteration,
            _bytesPerSecond = _bytesPerSecond == 0 ? p.BytesPerSecond : (Settings.Smoothing * p.BytesPerSecond) + ((1 - Settings.Smoothing) * _bytesPerSecond),
        };
        return !next._isNewPass ? next : next._aim is null ? next.Compare(elapsed, p.RemainingBytes) : next.Relax(elapsed, p.RemainingBytes);
    }

    /// <summary>The copy has stalled, a pass has just begun, and as little is left as can be hoped for.</summary>
    public bool IsGoodMoment(long left) => _isNewPass && _aim is { } aim && (!Settings.SearchLocalMinima || left <= aim * (1 + Settings.Margin));

    public double MillisecondsFor(long bytes) => _bytesPerSecond > 0 ? bytes * 1000.0 / _bytesPerSecond : double.PositiveInfinity;

    public bool CanSend(long bytes, TimeSpan within) => MillisecondsFor(bytes) <= within.TotalMilliseconds;

    private StallWatch Compare(TimeSpan elapsed, long left)
    {
        var old = _passes.TakeWhile(p => elapsed - p.At >= _window).ToList();
        var before = old.Count == 0 ? _leastBefore : Math.Min(_leastBefore ?? long.MaxValue, old.Min(p => p.Left));
        var passes = _passes.RemoveRange(0, old.Count).Add((elapsed, left));
        var next = this with { _passes = passes, _leastBefore = before };
        return before is not { } least || left < least * (1 - Settings.Margin)
            ? next
            : next with { _aim = Math.Min(least, passes.Min(p => p.Left)), _passes = [], _patience = _window, _relaxAt = elapsed + _window };
    }

    /// <summary>The guest or the network may have changed, and what was once left may never be again.</summary>
    private StallWatch Relax(TimeSpan elapsed, long left)
    {
        var since = _since.Add(left);
        if (elapsed < _relaxAt)
            return this with { _since = since };
        var (least, patience) = (since.Min(), _patience * Settings.PatienceDecay);
        return this with { _aim = least, _since = since.Remove(least), _patience = patience, _relaxAt = elapsed + patience };
    }
}
