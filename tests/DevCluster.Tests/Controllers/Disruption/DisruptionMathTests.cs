using Troupe.DevCluster.Controllers.Disruption;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;

namespace Troupe.DevCluster.Tests.Controllers.Disruption;

public sealed class DisruptionMathTests
{
    [Theory]
    [InlineData("2", null, 3, 3, 1)]
    [InlineData("3", null, 3, 3, 0)]
    [InlineData("50%", null, 3, 3, 1)]
    [InlineData(null, "1", 3, 3, 1)]
    [InlineData(null, "1", 2, 3, 0)]
    [InlineData(null, "34%", 3, 3, 2)]
    [InlineData(null, null, 2, 2, 1)]
    public void As_many_may_be_evicted_as_are_healthy_beyond_what_is_wanted(string? min, string? max, int ready, int scale, int allowed)
    {
        var pods = Enumerable.Range(0, scale).Select(n => Pod($"p{n}", ready: n < ready)).ToList();
        var status = DisruptionMath.StatusOf(Budget(min, max), pods, scale, Now);
        Assert.Equal((allowed, ready), (status.DisruptionsAllowed, status.CurrentHealthy));
    }

    [Fact]
    public void A_share_of_pods_whose_controller_is_unknown_allows_nothing_but_a_number_does()
    {
        Pod[] pods = [Pod("a"), Pod("b")];
        Assert.Equal(0, DisruptionMath.StatusOf(Budget(null, "1"), pods, null, Now).DisruptionsAllowed);
        Assert.Equal(1, DisruptionMath.StatusOf(Budget("1", null), pods, null, Now).DisruptionsAllowed);
    }

    [Fact]
    public void A_granted_eviction_counts_until_the_pod_goes_or_two_minutes_are_over()
    {
        var budget = Budget("1", null) with { Status = new DisruptionStatus { DisruptedPods = new() { ["a"] = Now } } };
        Pod[] pods = [Pod("a"), Pod("b")];
        Assert.Equal((0, 1), (DisruptionMath.StatusOf(budget, pods, 2, Now).DisruptionsAllowed, DisruptionMath.StatusOf(budget, pods, 2, Now).DisruptedPods.Count));
        Assert.Empty(DisruptionMath.StatusOf(budget, pods, 2, Now + TimeSpan.FromMinutes(2)).DisruptedPods);
        Assert.Empty(DisruptionMath.StatusOf(budget, [pods[1]], 2, Now).DisruptedPods);
    }

    [Fact]
    public void Pods_that_end_or_go_are_not_healthy() =>
        Assert.Equal(1, DisruptionMath.StatusOf(Budget("1", null), [Pod("a"), Pod("b").Deleted(), Pod("c", phase: "Succeeded")], 3, Now).CurrentHealthy);

    private static PodDisruptionBudget Budget(string? min, string? max) => new()
    {
        Spec = new DisruptionSpec { MinAvailable = min is null ? null : new IntOrString(min), MaxUnavailable = max is null ? null : new IntOrString(max) },
    };
}
