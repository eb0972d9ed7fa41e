using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class ProbeTallyTests
{
    [Theory]
    [InlineData("xx", true)]
    [InlineData("xxx", false)]
    [InlineData("xxoxx", true)]
    [InlineData("xxxo", false)]
    [InlineData("xxxoo", true)]
    public void A_verdict_changes_only_after_enough_equal_results_in_a_row(string results, bool verdict)
    {
        var probe = new Probe { FailureThreshold = 3, SuccessThreshold = 2 };
        Assert.Equal(verdict, results.Aggregate(new ProbeTally(true), (tally, result) => tally.After(result == 'o', probe)).Verdict);
    }
}
