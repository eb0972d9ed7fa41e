using System.Collections.Concurrent;

namespace Troupe.Stress.Simulation;

/// <summary>Something that must never happen, and did.</summary>
public sealed record Violation(DateTimeOffset At, string Law, string VmiUid, string What);

/// <summary>One guest as an outside observer knows it.</summary>
/// <param name="Qemu">The QEMU whose virtual CPUs run now; null while the guest stands still.</param>
/// <param name="Owner">The QEMU that has the guest: the one that runs it, or to which the right to run was passed on.</param>
/// <param name="Written">What the guest has told its peers and written to its disks so far, in microseconds of running.</param>
/// <param name="Excuse">Why the guest may be gone; null when it may not.</param>
public sealed record GuestRecord(string? Qemu, string? Owner, long Written, DateTimeOffset Since, string? Excuse)
{
    /// <summary>How often it was started, other than by arriving.</summary>
    public int Boots { get; init; }

    /// <summary>The QEMU that had the guest is no more.</summary>
    public bool HasEnded { get; init; }
    public string? LastEnded { get; init; }

    /// <summary>A QEMU without the right that the stress killed last.</summary>
    public (string Qemu, DateTimeOffset At, string How)? Killed { get; init; }
    public DateTimeOffset? StoodAt { get; init; }
    public string? StoodIn { get; init; }
}

/// <summary>
/// The outside observer of all guests of a simulation: it sees which virtual CPUs run, what the guest's peers and disks have been told, and
/// calls out when that could not be one guest any more.
/// </summary>
public sealed class Ledger(TimeProvider time)
{
    public const string NeverTwo = "never two running guests";
    public const string NeverOld = "never a copy from before the source went on";
    public const string NeverNone = "never none unless a QEMU that had the guest was killed";
    public const string OneBoot = "a guest is started once";

    /// <summary>Who passes the right on may not have heard of what happened to the other end this shortly before.</summary>
    private static readonly TimeSpan UnderWay = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, GuestRecord> _guests = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Violation> _violations = new();
    private readonly ConcurrentQueue<TimeSpan> _downtimes = new();

    public IReadOnlyCollection<Violation> Violations => [.. _violations];

    /// <summary>How long guests stood still when they passed from one QEMU to another.</summary>
    public IReadOnlyCollection<TimeSpan> Downtimes => [.. _downtimes];

    public IReadOnlyDictionary<string, GuestRecord> Guests => _guests;

    public void Boots(string vmi, string qemu)
    {
        var now = time.GetUtcNow();
        Change(vmi, g =>
        {
            if (g.Boots > 0 && g.Excuse is null)
                Report(OneBoot, vmi, $"booted in {qemu} after it had run in {g.Owner}");
            return g with { Qemu = qemu, Owner = qemu, Since = now, Boots = g.Boots + 1, HasEnded = false };
        });
    }

    /// <param name="written">What this copy of the guest remembers to have written.</param>
    public void Runs(string vmi, string qemu, long written)
    {
        var now = time.GetUtcNow();
        Change(vmi, g =>
        {
            if (g.Qemu is not null && g.Qemu != qemu)
                Report(NeverTwo, vmi, $"{qemu} runs it while {g.Qemu} does");
            if (written != Written(g, now))
                Report(NeverOld, vmi, $"{qemu} runs a copy that has written {written} where its peers have seen {Written(g, now)}");
            if (g.StoodAt is { } stood && g.StoodIn != qemu)
                _downtimes.Enqueue(now - stood);
            return g with { Qemu = qemu, Since = now, StoodAt = null, StoodIn = null };
        });
    }

    /// <summary>The virtual CPUs of this QEMU stop.</summary>
    /// <returns>What the guest has written by now.</returns>
    public long Stands(string vmi, string qemu)
    {
        var now = time.GetUtcNow();
        return Change(vmi, g => g.Qemu != qemu ? g : g with { Qemu = null, Written = Written(g, now), Since = now, StoodAt = now, StoodIn = qemu }).Written;
    }

    /// <summary>The right to run the guest was passed on to this QEMU, by the one that had it.</summary>
    public void PassesOn(string vmi, string qemu)
    {
        var now = time.GetUtcNow();
        Change(vmi, g =>
        {
            var hasEnded = g.LastEnded == qemu;
            var excuse = g.Excuse ?? (g.Killed is { } kill && kill.Qemu == qemu && now - kill.At < UnderWay ? kill.How : null);
            if (hasEnded && excuse is null)
                Report(NeverNone, vmi, $"the right was passed on to {qemu}, which had ended");
            return g with { Owner = qemu, HasEnded = hasEnded, Excuse = excuse };
        });
    }

    /// <summary>The process of this QEMU has ended, in whatever way.</summary>
    public void Ends(string vmi, string qemu, string how)
    {
        Stands(vmi, qemu);
        Change(vmi, g =>
        {
            if (g.Owner != qemu)
                return g with { LastEnded = qemu };
            if (g.Excuse is null)
                Report(NeverNone, vmi, $"{qemu} had it and ended: {how}");
            return g with { HasEnded = true, LastEnded = qemu };
        });
    }

    /// <summary>The stress is about to kill this QEMU: if it has the guest, the guest may be gone.</summary>
    /// <returns>Whether it has.</returns>
    public bool Kills(string vmi, string qemu, string how)
    {
        var now = time.GetUtcNow();
        var guest = Change(vmi, g => g.Owner == qemu ? g with { Excuse = g.Excuse ?? how } : g with { Killed = (qemu, now, how) });
        return guest.Owner == qemu;
    }

    /// <summary>Somebody wants the guest gone.</summary>
    public void Excuse(string vmi, string why) => Change(vmi, g => g with { Excuse = g.Excuse ?? why });

    public void Report(string law, string vmi, string what) => _violations.Enqueue(new Violation(time.GetUtcNow(), law, vmi, what));

    private static long Written(GuestRecord g, DateTimeOffset now) => g.Qemu is null ? g.Written : g.Written + ((now - g.Since).Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>One change at a time for each guest; what a change reports must be reported once.</summary>
    private GuestRecord Change(string vmi, Func<GuestRecord, GuestRecord> change)
    {
        lock (_guests)
        {
            var next = change(_guests.GetValueOrDefault(vmi) ?? new GuestRecord(null, null, 0, time.GetUtcNow(), null));
            _guests[vmi] = next;
            return next;
        }
    }
}
