using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.Messages.Api.KubeVirt;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class MigrationGarbageTests
{
    [Fact]
    public void The_latest_five_that_are_over_stay_for_each_VMI()
    {
        VirtualMachineInstanceMigration[] migrations =
        [
            .. Enumerable.Range(1, 7).Select(age => Move($"a{age}", "a", age % 2 == 0 ? MigrationPhases.Failed : MigrationPhases.Succeeded, age)),
            .. Enumerable.Range(1, 5).Select(age => Move($"b{age}", "b", MigrationPhases.Succeeded, age)),
        ];
        Assert.Equal(["a6", "a7"], Removed(migrations));
    }

    [Fact]
    public void Those_under_way_and_those_already_deleted_are_not_counted()
    {
        var deleted = Move("gone", "a", MigrationPhases.Failed, 30);
        Assert.Empty(Removed([Move("running", "a", MigrationPhases.Running, 20), deleted with { Metadata = deleted.Metadata with { DeletionTimestamp = Now } },
            .. Enumerable.Range(1, 5).Select(age => Move($"a{age}", "a", MigrationPhases.Succeeded, age))]));
    }

    [Fact]
    public void Without_their_VMI_all_go()
    {
        var plan = MigrationGarbage.Of(new MigrationWorld([], [Move("m", "gone", MigrationPhases.Succeeded), Move("n", "gone", MigrationPhases.Pending)], [], null, Now)).Cast<PlannedCall.Remove>().ToList();
        Assert.Equal(2, plan.Count);
        // The feed of VMIs may be the later one.
        Assert.All(plan, r => Assert.True(r.OnlyIfOrphaned));
    }

    private static IEnumerable<string> Removed(IReadOnlyCollection<VirtualMachineInstanceMigration> migrations) =>
        MigrationGarbage.Of(new MigrationWorld([Guest("a"), Guest("b")], migrations, [], null, Now)).Cast<PlannedCall.Remove>().Select(r => r.Migration.Metadata.Name!).Order();
}
