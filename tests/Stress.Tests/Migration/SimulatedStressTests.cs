using Troupe.Stress.Migration;
using Troupe.Stress.Simulation;
using Xunit;

namespace Troupe.Stress.Tests.Migration;

/// <summary>The stress in its short form: everything of it, for less long.</summary>
public sealed class SimulatedStressTests(ITestOutputHelper output)
{
    [Fact]
    public Task No_guest_is_lost_doubled_or_left_over_while_everything_around_it_breaks()
    {
        var seed = StressSeed.Choose();
        return StressSeed.WithAsync(seed, nameof(No_guest_is_lost_doubled_or_left_over_while_everything_around_it_breaks), () => RunAsync(seed));
    }

    private async Task RunAsync(int seed)
    {
        var options = new StressOptions(Guests: 50, Nodes: 8, TimeSpan.FromSeconds(20), seed, Parallel: 12, FaultsPerMinute: 60, Settle: TimeSpan.FromMinutes(3))
        {
            // What never ends ends sooner, and so does the waiting for rest.
            CompletionTimeoutPerGiB = 6,
        };
        var report = await new SimulatedStress(options, output.WriteLine) { Timing = new SimulationTiming { KeepAlive = TimeSpan.FromSeconds(8) } }.RunAsync();
        output.WriteLine(report.Summary());
        Assert.True(report.Passed, report.Summary());
        Assert.True(report.Migrations.GetValueOrDefault("Succeeded") > 0, "nothing has moved");
    }
}
