using Troupe.Launcher.Server;
using Xunit;

namespace Troupe.Launcher.Tests.Operations;

public sealed class StartDeadlineTests
{
    private readonly HandTime _time = new();
    private readonly List<string> _said = [];

    [Fact]
    public void A_guest_that_keeps_failing_is_given_up_when_the_time_is_up_with_the_last_error()
    {
        using var deadline = Deadline();
        deadline.Try();
        deadline.Failed("no memory");
        deadline.Try();
        deadline.Failed("no tap");
        Assert.Empty(_said);
        _time.Elapse();
        Assert.Equal("the guest did not start within 300 s: no tap", Assert.Single(_said));
    }

    [Fact]
    public void A_start_that_is_under_way_when_the_time_is_up_decides()
    {
        using var deadline = Deadline();
        deadline.Try();
        _time.Elapse();
        Assert.Empty(_said);
        deadline.Failed("no memory");
        deadline.Failed("no memory");
        Assert.Single(_said);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_guest_that_runs_or_comes_from_elsewhere_is_never_given_up(bool afterTheTime)
    {
        using var deadline = Deadline();
        deadline.Try();
        if (afterTheTime)
            _time.Elapse();
        deadline.Met();
        _time.Elapse();
        deadline.Failed("of something else");
        Assert.Empty(_said);
    }

    [Fact]
    public void A_launcher_that_nobody_asks_for_a_guest_gives_up_too()
    {
        using var deadline = Deadline();
        _time.Elapse();
        Assert.Equal("nobody started a guest within 300 s", Assert.Single(_said));
    }

    [Theory]
    [InlineData("317s", 317)]
    [InlineData("60", 60)]
    public void The_time_is_an_argument(string given, int seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), LauncherOptions.Parse([.. Named, "--qemu-timeout", given]).StartTimeout);
        Assert.Equal(TimeSpan.FromSeconds(240), LauncherOptions.Parse(Named).StartTimeout);
        Assert.Contains("--qemu-timeout takes a number of seconds, got 'soon'", Assert.Throws<ArgumentException>(() => LauncherOptions.Parse([.. Named, "--qemu-timeout", "soon"])).Message);
    }

    [Fact]
    public void Switches_may_stand_anywhere_among_the_arguments()
    {
        var options = LauncherOptions.Parse(["--no-free-page-reporting", .. Named, "--no-serial-console-log"]);
        Assert.Equal((false, false, "c"), (options.ReportsFreePages, options.LogsSerialConsole, options.Uid));
        Assert.True(LauncherOptions.Parse(Named) is { ReportsFreePages: true, LogsSerialConsole: true });
    }

    private static string[] Named => ["--name", "a", "--namespace", "b", "--uid", "c"];

    private StartDeadline Deadline() => new(_time, TimeSpan.FromSeconds(300), _said.Add);

    /// <summary>Its timers fire when the test says so.</summary>
    private sealed class HandTime : TimeProvider
    {
        private readonly List<Action> _due = [];

        public void Elapse() => _due.ForEach(d => d());

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Assert.Equal(TimeSpan.FromSeconds(300), dueTime);
            _due.Add(() => callback(state));
            return new HandTimer();
        }
    }

    private sealed class HandTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
