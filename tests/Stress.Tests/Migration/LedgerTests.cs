using Troupe.Stress.Simulation;
using Xunit;

namespace Troupe.Stress.Tests.Migration;

/// <summary>An observer that sees nothing proves nothing: each law is broken once.</summary>
public sealed class LedgerTests
{
    private const string Vmi = "vmi";
    private readonly Ledger _ledger = new(TimeProvider.System);

    [Fact]
    public void A_guest_that_moves_as_it_should_breaks_no_law()
    {
        _ledger.Boots(Vmi, "a");
        var written = _ledger.Stands(Vmi, "a");
        _ledger.PassesOn(Vmi, "b");
        _ledger.Ends(Vmi, "a", "moved");
        _ledger.Runs(Vmi, "b", written);
        Assert.Empty(_ledger.Violations);
        Assert.Single(_ledger.Downtimes);
    }

    [Fact]
    public void Two_that_run_at_once_are_seen()
    {
        _ledger.Boots(Vmi, "a");
        _ledger.Runs(Vmi, "b", 0);
        Assert.Contains(_ledger.Violations, v => v.Law == Ledger.NeverTwo);
    }

    [Fact]
    public void A_copy_from_before_the_source_went_on_is_seen()
    {
        _ledger.Boots(Vmi, "a");
        var written = _ledger.Stands(Vmi, "a");
        _ledger.Runs(Vmi, "a", written);
        Thread.SpinWait(100_000);
        _ledger.Stands(Vmi, "a");
        _ledger.PassesOn(Vmi, "b");
        _ledger.Runs(Vmi, "b", written);
        Assert.Equal([Ledger.NeverOld], _ledger.Violations.Select(v => v.Law));
    }

    [Fact]
    public void A_guest_that_ends_is_lost_unless_what_had_it_was_killed()
    {
        _ledger.Boots(Vmi, "a");
        Assert.True(_ledger.Kills(Vmi, "a", "killed"));
        _ledger.Ends(Vmi, "a", "killed");
        Assert.Empty(_ledger.Violations);

        _ledger.Boots("other", "x");
        // What is killed is a target that has no right yet.
        Assert.False(_ledger.Kills("other", "y", "killed"));
        _ledger.Ends("other", "x", "destroyed");
        Assert.Equal([Ledger.NeverNone], _ledger.Violations.Select(v => v.Law));
    }

    [Fact]
    public void A_target_that_was_killed_while_the_right_was_on_its_way_to_it_takes_the_guest_along_and_no_other_target_may()
    {
        _ledger.Boots(Vmi, "a");
        _ledger.Kills(Vmi, "b", "the launcher was killed");
        _ledger.Ends(Vmi, "b", "killed");
        _ledger.PassesOn(Vmi, "b");
        Assert.Equal(("the launcher was killed", true), (_ledger.Guests[Vmi].Excuse, _ledger.Guests[Vmi].HasEnded));
        Assert.Empty(_ledger.Violations);

        _ledger.Boots("other", "a");
        _ledger.Ends("other", "b", "for a reason of its own");
        _ledger.PassesOn("other", "b");
        Assert.Equal([Ledger.NeverNone], _ledger.Violations.Select(v => v.Law));
    }

    [Fact]
    public void A_second_boot_is_seen()
    {
        _ledger.Boots(Vmi, "a");
        _ledger.Boots(Vmi, "b");
        Assert.Contains(_ledger.Violations, v => v.Law == Ledger.OneBoot);
    }
}
