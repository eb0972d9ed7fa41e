using Troupe.Stress.Migration;
using Xunit;

namespace Troupe.Stress.Tests.Migration;

public sealed class FaultPlanTests
{
    private static readonly StressOptions Options = new(10, 4, TimeSpan.FromMinutes(10), Seed: 7, Parallel: 2, FaultsPerMinute: 30, TimeSpan.Zero);

    [Fact]
    public void The_same_seed_brings_the_same_faults_and_another_one_others()
    {
        Assert.Equal(FaultPlan.Of(Options), FaultPlan.Of(Options));
        Assert.NotEqual(FaultPlan.Of(Options), FaultPlan.Of(Options with { Seed = 8 }));
    }

    [Fact]
    public void Faults_of_every_kind_come_as_often_as_asked_for_and_only_of_the_kinds_asked_for()
    {
        var plan = FaultPlan.Of(Options);
        Assert.InRange(plan.Count, 200, 400);
        Assert.Equal(Enum.GetValues<FaultKind>(), plan.Select(f => f.Kind).Distinct().Order());
        Assert.All(FaultPlan.Of(Options with { Kinds = [FaultKind.Drain] }), f => Assert.Equal(FaultKind.Drain, f.Kind));
        Assert.Empty(FaultPlan.Of(Options with { FaultsPerMinute = 0 }));
    }
}
