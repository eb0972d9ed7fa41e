using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Migration;

/// <summary>What is done about copies that do and do not end by themselves. Times are seconds, sizes MiB.</summary>
public sealed class ConvergenceTests
{
    private const long MiB = 1 << 20;
    private readonly List<(double At, ConvergenceStep Step)> _steps = [];
    private readonly List<MigrationForecast> _told = [];

    [Fact]
    public void A_copy_that_ends_by_itself_is_left_alone()
    {
        Copy(Rules(), seconds: 60, t => Progress(left: 6000 - (100 * t), bandwidth: 110, dirty: 10));
        Assert.Empty(_steps);
        Assert.Equal(MigrationStrategy.Copying, Assert.Single(_told).Strategy);
        Assert.EndsWith("about 57 s to go", _told[0].Message);
    }

    [Fact]
    public void Of_a_copy_that_is_over_in_a_moment_nothing_is_told()
    {
        Copy(Rules(), seconds: 2, t => Progress(left: 100 - (40 * t), bandwidth: 50, dirty: 1));
        Assert.Empty(_told);
    }

    [Fact]
    public void A_guest_that_writes_too_fast_may_stand_still_as_long_as_it_takes_but_no_longer_than_allowed()
    {
        // 40 MiB are left at the best of times: 400 ms at 100 MiB/s, more than QEMU's 300.
        Copy(Rules(downtime: 900), seconds: 10, t => Progress(left: t % 2 < 1 ? 90 : 40, bandwidth: 100, dirty: 100, pass: (long)(t / 2)));
        Assert.Equal(new ConvergenceStep.SetDowntime(400), Assert.Single(_steps).Step);

        _steps.Clear();
        Copy(Rules(downtime: 900), seconds: 60, t => Progress(left: 200, bandwidth: 100, dirty: 100, pass: 4));
        Assert.Equal([new ConvergenceStep.SetDowntime(900)], _steps.Select(s => s.Step));
        Assert.Contains(_told, f => f.Strategy is MigrationStrategy.WideningDowntime && f.Message.StartsWith("the guest may stand still for 900 ms", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_downtime_of_its_own_QEMUs_is_kept()
    {
        Copy(Rules(), seconds: 100, t => Progress(left: 200, bandwidth: 100, dirty: 100, pass: 9));
        Assert.Empty(_steps);
    }

    [Fact]
    public void At_the_end_of_its_time_the_guest_is_paused_if_it_may_be_and_the_time_is_doubled()
    {
        Copy(Rules(mayPause: true, progress: 0), seconds: 400, t => Progress(left: 200, bandwidth: 100, dirty: 120));
        Assert.Collection(_steps,
            s => Assert.Equal((150.4, new ConvergenceStep.Pause()), (s.At, s.Step)),
            s => Assert.Equal((300.4, new ConvergenceStep.GiveUp("Live migration has been aborted: not completed after 301 s")), (s.At, s.Step)));
        Assert.Contains(_told, f => f.Message.Contains("this does not end by itself: the guest is paused in", StringComparison.Ordinal));
        Assert.Equal(MigrationStrategy.Paused, _told[^1].Strategy);
        Assert.EndsWith("about 2 s to go", _told[^1].Message);
    }

    [Fact]
    public void At_the_end_of_its_time_a_copy_is_given_up_if_the_guest_may_not_be_paused()
    {
        Copy(Rules(progress: 0, bytes: 3L << 30), seconds: 500, t => Progress(left: 200, bandwidth: 100, dirty: 120));
        Assert.Equal(new ConvergenceStep.GiveUp("Live migration has been aborted: not completed after 451 s"), Assert.Single(_steps).Step);
    }

    [Fact]
    public void What_never_comes_to_a_new_low_is_given_up_or_paused()
    {
        Copy(Rules(completion: 0, progress: 20), seconds: 100, t => Progress(left: 100, bandwidth: 100, dirty: 100, sent: t));
        Assert.Equal(new ConvergenceStep.GiveUp("Live migration has been aborted: stuck for 21 s"), Assert.Single(_steps).Step);

        _steps.Clear();
        Copy(Rules(completion: 0, progress: 20, mayPause: true), seconds: 60, t => Progress(left: 100, bandwidth: 100, dirty: 100, sent: t));
        Assert.IsType<ConvergenceStep.Pause>(_steps[0].Step);
        Assert.IsType<ConvergenceStep.GiveUp>(_steps[1].Step);
        Assert.Equal((20.8, 41.2), (_steps[0].At, _steps[1].At));
    }

    [Fact]
    public void A_network_that_carries_nothing_is_no_reason_to_pause_the_guest()
    {
        Copy(Rules(completion: 0, progress: 20, mayPause: true), seconds: 100, t => Progress(left: 100, bandwidth: 0, dirty: 1, sent: 50));
        Assert.IsType<ConvergenceStep.GiveUp>(Assert.Single(_steps).Step);
    }

    [Fact]
    public void A_target_that_never_begins_is_given_up_and_not_waited_for()
    {
        Copy(Rules(mayPause: true), seconds: 200, _ => null);
        Assert.IsType<ConvergenceStep.GiveUp>(Assert.Single(_steps).Step);
    }

    [Fact]
    public void A_rate_that_goes_up_and_down_does_not_make_a_word_of_every_figure()
    {
        Copy(Rules(), seconds: 100, t => Progress(left: 5000 - t, bandwidth: 100, dirty: (int)(t * 10) % 3 == 0 ? 120 : 20));
        Assert.InRange(_told.Count, 1, 10);
    }

    [Fact]
    public void Where_post_copy_is_allowed_a_copy_that_cannot_end_is_not_waited_for()
    {
        // Two passes have shown what there is to show.
        Copy(Rules(mayPause: true, postCopy: true), seconds: 100, t => Progress(left: 200, bandwidth: 100, dirty: 120, pass: (long)(t / 5) + 1));
        var (at, step) = Assert.Single(_steps);
        Assert.Equal((10, new ConvergenceStep.Switch()), (at, step));
        Assert.Equal(MigrationStrategy.PostCopy, _told[^1].Strategy);
        Assert.EndsWith("about 2 s to go", _told[^1].Message);
    }

    [Fact]
    public void Post_copy_comes_after_what_is_milder_has_not_helped()
    {
        Copy(Rules(mayPause: true, postCopy: true, downtime: 900), seconds: 100, t => Progress(left: 200, bandwidth: 100, dirty: 120, pass: 4));
        Assert.Equal([new ConvergenceStep.SetDowntime(900), new ConvergenceStep.Switch()], _steps.Select(s => s.Step));

        // The guest's CPUs are being held back, which takes its time.
        _steps.Clear();
        Copy(Rules(mayPause: true, postCopy: true, throttle: true, progress: 0), seconds: 200, t => Progress(left: 200, bandwidth: 100, dirty: 120, pass: 4));
        var (at, step) = Assert.Single(_steps);
        Assert.Equal((150.4, new ConvergenceStep.Switch()), (at, step));
    }

    [Fact]
    public void A_copy_that_ends_by_itself_in_time_does_not_become_post_copy()
    {
        Copy(Rules(mayPause: true, postCopy: true), seconds: 60, t => Progress(left: 6000 - (100 * t), bandwidth: 110, dirty: 10, pass: 4));
        Assert.Empty(_steps);
    }

    [Fact]
    public void A_network_that_carries_nothing_is_no_reason_for_post_copy_either()
    {
        Copy(Rules(completion: 0, progress: 20, mayPause: true, postCopy: true), seconds: 100, t => Progress(left: 100, bandwidth: 0, dirty: 1, sent: 50));
        Assert.IsType<ConvergenceStep.GiveUp>(Assert.Single(_steps).Step);
    }

    [Fact]
    public void The_downtime_grows_in_equal_steps_where_that_is_asked_for()
    {
        var rules = Rules(downtime: 900, tuned: new DowntimeSteps(InitialMs: 150, Steps: 3, StartAfterIteration: 4, CooldownSeconds: 10));
        Assert.Equal(150, rules.FirstDowntimeMs);
        Copy(rules, seconds: 100, t => Progress(left: 40, bandwidth: 100, dirty: 20, pass: (long)(t / 5)));
        Assert.Equal([(20, 400), (30, 650), (40, 900)], _steps.Select(s => (s.At, ((ConvergenceStep.SetDowntime)s.Step).Ms)));
    }

    [Fact]
    public void A_stalled_copy_gets_the_greatest_downtime_when_little_is_left_and_some_time_to_use_it()
    {
        Copy(Rules(downtime: 900, stall: Stall), seconds: 200, UpAndDown(bandwidth: 100));
        Assert.Equal([(18, new ConvergenceStep.SetDowntime(900)), (78.4, new ConvergenceStep.GiveUp("Live migration has been aborted: not completed after 79 s"))], _steps);
    }

    [Fact]
    public void A_stalled_copy_that_would_take_far_more_downtime_than_allowed_is_given_up()
    {
        Copy(Rules(downtime: 900, stall: Stall), seconds: 200, UpAndDown(bandwidth: 50));
        Assert.Equal((18, new ConvergenceStep.GiveUp("Live migration has been aborted: stalled, and the guest would have to stand still for 2000 ms where 900 ms are allowed")), Assert.Single(_steps));
    }

    [Fact]
    public void A_stalled_copy_is_ended_at_a_good_moment_by_what_is_allowed()
    {
        Copy(Rules(stall: Stall, mayPause: true, postCopy: true), seconds: 200, UpAndDown(bandwidth: 50));
        Assert.Equal((18, new ConvergenceStep.Switch()), Assert.Single(_steps));

        _steps.Clear();
        Copy(Rules(stall: Stall, mayPause: true), seconds: 400, UpAndDown(bandwidth: 50));
        Assert.Equal([(18, new ConvergenceStep.Pause()), (300.4, new ConvergenceStep.GiveUp("Live migration has been aborted: not completed after 301 s"))], _steps);

        _steps.Clear();
        Copy(Rules(stall: Stall with { SearchLocalMinima = false }, mayPause: true, postCopy: true), seconds: 200, UpAndDown(bandwidth: 50));
        Assert.Equal((12, new ConvergenceStep.Switch()), Assert.Single(_steps));
    }

    [Fact]
    public void A_copy_that_gets_ahead_with_setbacks_has_not_stalled()
    {
        Copy(Rules(stall: Stall, mayPause: true, postCopy: true), seconds: 50, t => Progress(left: 6000 - (100 * t) + (t % 4 < 2 ? 500 : 0), bandwidth: 110, dirty: 10, pass: (long)(t / 2) + 1));
        Assert.Empty(_steps);
    }

    [Fact]
    public void A_moment_that_does_not_come_again_is_not_waited_for_all_the_time()
    {
        Copy(Rules(stall: Stall, mayPause: true, postCopy: true), seconds: 100, t => Progress(left: t < 12 ? 100 : 300, bandwidth: 100, dirty: 100, pass: (long)(t / 2) + 1));
        Assert.Equal((22, new ConvergenceStep.Switch()), Assert.Single(_steps));
    }

    [Fact]
    public void A_stall_because_the_network_is_gone_disturbs_no_guest()
    {
        var going = UpAndDown(bandwidth: 100);
        Copy(Rules(stall: Stall, mayPause: true, postCopy: true), seconds: 200, t => going(t) with { BytesPerSecond = t < 10 ? 100 * MiB : 0 });
        Assert.Equal((150.4, new ConvergenceStep.GiveUp("Live migration has been aborted: not completed after 151 s")), Assert.Single(_steps));
    }

    private static StallDetection Stall => new(Margin: 0.04, Window: 10, Switchover: 60, Smoothing: 0.4, PrecopyPossible: 1.5, PatienceDecay: 0.5, CompletionFactor: 2, SearchLocalMinima: true);

    /// <summary>Passes of two seconds; every fourth leaves as little as this guest ever does.</summary>
    private static Func<double, MigrationProgress> UpAndDown(long bandwidth) =>
        t => Progress(left: (((long)(t / 2) + 1) % 4) switch { 0 => 200, 2 => 100, _ => 150 }, bandwidth, dirty: bandwidth, pass: (long)(t / 2) + 1, sent: t);

    private static ConvergenceRules Rules(
        long completion = 150, long progress = 150, bool mayPause = false, long downtime = 0, long bytes = 1L << 30, bool postCopy = false, bool throttle = false, DowntimeSteps? tuned = null, StallDetection? stall = null) =>
        ConvergenceRules.Of(
            new MigrationOptions(0, downtime, throttle, 0, false, true)
            {
                CompletionTimeoutPerGiB = completion,
                ProgressTimeout = progress,
                AllowWorkloadDisruption = mayPause,
                AllowPostCopy = postCopy,
                DowntimeSteps = tuned,
                StallDetection = stall,
            }, bytes);

    private static MigrationProgress Progress(double left, long bandwidth, long dirty, long pass = 2, double sent = double.NaN) =>
        new(0, 6000 * MiB, (long)((double.IsNaN(sent) ? 6000 - left : sent) * MiB), (long)(left * MiB), bandwidth * MiB, dirty * MiB, pass, 0);

    /// <summary>Until it is given up.</summary>
    private void Copy(ConvergenceRules rules, double seconds, Func<double, MigrationProgress?> at)
    {
        var convergence = new Convergence(rules);
        for (var i = 1; i * 0.4 <= seconds; i++)
        {
            var t = Math.Round(i * 0.4, 1);
            var (next, step) = convergence.Decide(TimeSpan.FromSeconds(t), at(t));
            if (next.Forecast is { } forecast && forecast != convergence.Forecast)
                _told.Add(forecast);
            convergence = next;
            if (step is not null)
                _steps.Add((t, step));
            if (step is ConvergenceStep.GiveUp)
                return;
        }
    }
}
