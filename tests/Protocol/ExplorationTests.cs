using Troupe.ControlPlane.Migration;
using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Migration;
using Troupe.Protocol.Tests.Model;
using Xunit;

namespace Troupe.Protocol.Tests;

/// <summary>The migration protocol in every order that messages, losses, deaths, restarts, timeouts and aborts can come in, up to a bound.</summary>
public sealed class ExplorationTests(ITestOutputHelper output)
{
    /// <summary>Faults in one run, each at any moment; TROUPE_EXPLORE_FAULTS goes deeper.</summary>
    private static readonly int Faults = int.Parse(Environment.GetEnvironmentVariable("TROUPE_EXPLORE_FAULTS") ?? "2", null);

    [Fact]
    public void No_order_of_events_runs_a_guest_twice_or_loses_it_or_leaves_anything_behind()
    {
        var explored = new Explorer(Cores.Real, Faults, attempts: 1).Run();
        Print(explored);
        Assert.True(explored.Problem is null, explored.Problem);
        Assert.True(explored.States > 10_000, $"only {explored.States} states: the model no longer moves");
    }

    [Fact]
    public void An_attempt_is_not_disturbed_by_what_is_left_in_flight_of_the_one_before()
    {
        var explored = new Explorer(Cores.Real, Math.Max(1, Faults - 1), attempts: 2).Run();
        Print(explored);
        Assert.True(explored.Problem is null, explored.Problem);
    }

    [Fact]
    public void No_order_of_events_in_post_copy_runs_a_guest_twice_or_loses_it_unless_an_end_or_the_way_between_them_is_lost_after_the_switch()
    {
        var explored = new Explorer(PostCopy, Faults, attempts: 1).Run();
        Print(explored);
        Assert.True(explored.Problem is null, explored.Problem);
        Assert.True(explored.States > 20_000, $"only {explored.States} states: the model no longer moves");
    }

    [Fact]
    public void An_attempt_that_may_switch_is_not_disturbed_by_the_one_before()
    {
        var explored = new Explorer(PostCopy, Math.Max(1, Faults - 1), attempts: 2).Run();
        Print(explored);
        Assert.True(explored.Problem is null, explored.Problem);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void No_order_of_events_leaves_a_guest_without_the_claim_that_has_its_state_or_two_of_them(bool postCopy)
    {
        var explored = new Explorer(Cores.Real with { MovesState = true, PostCopy = postCopy }, Math.Max(1, Faults - 1), attempts: 1).Run();
        Print(explored);
        Assert.True(explored.Problem is null, explored.Problem);
    }

    [Fact]
    public void A_conductor_that_exchanges_the_claims_before_all_of_the_guest_has_come_is_found() => Found(PostCopy with
    {
        MovesState = true,
        Conductor = (m, f, now) => m.Step is MigrationStep.HandedOver && !f.StateSettled ? new Conducting(null, ConductorActions.HandOverState) : Conductor.Decide(m, f, now, MigrationLimits.Default),
    }, "the guest has the state of a copy that is not whole");

    [Fact]
    public void A_conductor_that_does_not_wait_for_the_claims_is_found() => Found(Cores.Real with
    {
        MovesState = true,
        Conductor = (m, f, now) => Conductor.Decide(m, f with { StateSettled = true }, now, MigrationLimits.Default),
    }, "more than one claim is left for the guest's state");

    [Fact]
    public void A_source_that_lets_the_target_be_run_although_the_copy_is_whole_is_found() => Found(PostCopy with
    {
        // libvirt at the source goes back when it does not hear of the target's last step.
        Source = (e, i) => i is SourceInput.Finishing { Switched: false } ? (e, SourceActions.FinishRunning) : e.Decide(i),
    }, "the guest runs twice");

    [Fact]
    public void A_source_that_goes_back_on_a_switch_that_it_let_pass_is_found() => Found(PostCopy with
    {
        Source = (e, i) => i is SourceInput.Finishing { Switched: true } && e.Stage is SourceStage.Switching ? (e, SourceActions.FinishRunning) : e.Decide(i),
    }, "the guest runs twice");

    [Fact]
    public void A_QEMU_that_learns_of_its_launchers_death_in_the_middle_of_its_switch_is_found() => Found(PostCopy with { HoldsMemory = false }, "the guest runs twice");

    [Fact]
    public void An_abort_of_a_copy_that_may_be_switching_is_found() => Found(PostCopy with
    {
        Source = (e, i) => i is SourceInput.Abort && e.Stage is SourceStage.Switching ? (e with { Stage = SourceStage.Aborting }, SourceActions.CancelJob) : e.Decide(i),
    }, "nobody runs the guest, and no QEMU died by itself");

    [Fact]
    public void A_conductor_that_releases_a_source_of_which_memory_is_still_needed_is_found() => Found(PostCopy with
    {
        Conductor = (m, f, now) => Conductor.Decide(m with { PostCopy = false }, f, now, MigrationLimits.Default),
    }, "nobody runs the guest, and no QEMU died by itself");

    [Fact]
    public void A_source_that_passes_the_right_on_while_it_is_aborting_is_found()
    {
        var mutant = Cores.Real with
        {
            Source = (e, i) => e is { Stage: SourceStage.Aborting } && i is SourceInput.PeerLoaded
                ? (e with { Stage = SourceStage.PassedOn }, SourceActions.KillGuest | SourceActions.SendRun)
                : e.Decide(i),
        };
        Found(mutant, "the target runs a copy from before the source went on");
    }

    [Fact]
    public void A_target_that_runs_without_the_right_as_libvirt_does_is_found()
    {
        var mutant = Cores.Real with
        {
            Target = (e, i) => i is TargetInput.Loaded ? (e with { Stage = TargetStage.Running }, TargetActions.Resume) : e.Decide(i),
        };
        Found(mutant, "the guest runs twice");
    }

    [Fact]
    public void A_conductor_that_does_not_wait_for_the_source_when_it_aborts_is_found()
    {
        var mutant = Cores.Real with
        {
            Conductor = (m, f, now) => m.Step is MigrationStep.Aborting && f.Source is not SourceStage.PassedOn
                ? new Conducting(new MigrationFailed(m.Id, "Aborted", "", now), ConductorActions.None)
                : Conductor.Decide(m, f, now, MigrationLimits.Default),
        };
        Found(mutant, "nobody runs the guest, and no QEMU died by itself");
    }

    [Fact]
    public void A_conductor_that_commands_an_abort_only_once_is_found()
    {
        var mutant = Cores.Real with
        {
            Conductor = (m, f, now) => m.Step is MigrationStep.Aborting && f.Source is SourceStage.None or SourceStage.Migrating && !f.SourceLost && f.Target is not TargetStage.Running
                ? Conducting.Wait
                : Conductor.Decide(m, f, now, MigrationLimits.Default),
        };
        Found(mutant, "the migration never ends");
    }

    [Fact]
    public void A_source_that_does_not_take_its_last_word_back_before_it_goes_back_is_found() =>
        Found(Cores.Real with { LeavesWord = e => e.Stage is not SourceStage.None }, "the target runs a copy from before the source went on");

    [Fact]
    public void A_libvirt_that_learns_of_its_launchers_death_before_it_ends_itself_is_found() =>
        Found(Cores.Real with { HoldsConnection = false }, "the target runs a copy from before the source went on");

    [Fact]
    public void A_source_whose_last_word_nobody_heeds_is_found() =>
        Found(Cores.Real with { Conductor = (m, f, now) => Conductor.Decide(m, f with { SourceEndedAt = null, Source = f.Source is SourceStage.Stopped ? SourceStage.Migrating : f.Source }, now, MigrationLimits.Default) },
            "nobody runs the guest, and no QEMU died by itself");

    private static Cores PostCopy => Cores.Real with { PostCopy = true };

    private void Found(Cores mutant, string law)
    {
        var explored = new Explorer(mutant, faults: 2, attempts: 1).Run();
        output.WriteLine(explored.Problem ?? "nothing was found");
        Assert.StartsWith(law, explored.Problem);
    }

    private void Print(Exploration e) =>
        output.WriteLine($"{e.States:N0} states, {e.Transitions:N0} transitions, {e.Ends:N0} ends in {e.Took.TotalSeconds:0.0} s");
}
