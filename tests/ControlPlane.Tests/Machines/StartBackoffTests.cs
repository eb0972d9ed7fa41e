using CsCheck;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class StartBackoffTests
{
    [Theory]
    [InlineData(0, 10, 15)]
    [InlineData(1, 10, 15)]
    [InlineData(2, 40, 60)]
    [InlineData(3, 90, 135)]
    [InlineData(4, 160, 240)]
    [InlineData(5, 250, 300)]
    [InlineData(6, 300, 300)]
    [InlineData(1000, 300, 300)]
    public void The_delay_grows_with_the_square_of_the_failures(int failures, int least, int most) =>
        Gen.Double[0, 1].Sample(jitter => StartBackoff.Delay(failures, jitter).TotalSeconds >= least && StartBackoff.Delay(failures, jitter).TotalSeconds <= most);

    [Fact]
    public void An_instance_that_never_ran_is_counted_once_and_remembered_before_it_goes()
    {
        var state = State(Vm("Always"), Instance("Failed", ran: false));
        var first = Decide(state);
        Assert.Equal("", Did(first));
        Assert.Equal(1, first.StartFailure?.ConsecutiveFailCount);
        Assert.Equal(Now.AddSeconds(10), first.StartFailure?.RetryAfterTimestamp);
        var written = state with { Machine = state.Machine! with { Status = MachineProjection.Status(state, first, Now) } };
        var second = Decide(written, now: Now.AddSeconds(3));
        Assert.Equal("DeleteInstance", Did(second));
        Assert.Equal(first.StartFailure, second.StartFailure);
        var waiting = Decide(written with { Instance = null }, now: Now.AddSeconds(4));
        Assert.Equal(TimeSpan.FromSeconds(6), Assert.IsType<MachineEffect.LookAgain>(Assert.Single(waiting.Effects)).After);
        Assert.Equal("StartInstance", Did(Decide(written with { Instance = null }, now: Now.AddSeconds(10))));
    }

    [Fact]
    public void A_guest_that_reaches_Running_clears_the_count()
    {
        var failure = new VirtualMachineStartFailure { ConsecutiveFailCount = 3, LastFailedVMIUID = "old", RetryAfterTimestamp = Now };
        Assert.Null(Decide(State(Vm("Always", s => s with { StartFailure = failure }), Instance("Running", ran: false))).StartFailure);
        Assert.Equal(failure, Decide(State(Vm("Always", s => s with { StartFailure = failure }), Instance("Scheduled", ran: false))).StartFailure);
        Assert.Null(Decide(State(Vm("Manual", s => s with { StartFailure = failure }))).StartFailure);
    }
}
