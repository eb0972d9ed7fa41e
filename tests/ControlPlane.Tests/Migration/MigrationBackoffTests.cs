using CsCheck;
using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Xunit;
using static Troupe.ControlPlane.Tests.Migration.MigrationSamples;

namespace Troupe.ControlPlane.Tests.Migration;

public sealed class MigrationBackoffTests
{
    private static readonly VirtualMachineInstanceMigration Next = Move("next", "vm", MigrationPhases.Pending, cause: Annotations.EvacuationMigration);

    [Theory]
    [InlineData(1, 20)]
    [InlineData(2, 40)]
    [InlineData(3, 80)]
    [InlineData(5, 320)]
    public void Each_failure_in_a_row_doubles_the_wait_after_the_last_one(int failures, int seconds) =>
        Assert.Equal(Now.AddMinutes(-1).AddSeconds(seconds), MigrationBackoff.Until(Next, [Next, .. Enumerable.Range(1, failures).Select(Failed)]));

    [Fact]
    public void A_success_ends_it() => Assert.Null(MigrationBackoff.Until(Next, [Next, Move("ok", "vm", MigrationPhases.Succeeded, 1, Annotations.EvacuationMigration), Failed(2), Failed(3)]));

    [Fact]
    public void Failures_before_a_success_do_not_count() =>
        Assert.Equal(Now.AddMinutes(-1).AddSeconds(20), MigrationBackoff.Until(Next, [Next, Failed(1), Move("ok", "vm", MigrationPhases.Succeeded, 2, Annotations.EvacuationMigration), Failed(3)]));

    [Fact]
    public void What_a_user_asks_for_never_waits_and_is_no_reason_to_wait()
    {
        var users = Move("users", "vm");
        Assert.Null(MigrationBackoff.Until(users, [users, Failed(1)]));
        Assert.Null(MigrationBackoff.Until(Next, [Next, Move("mine", "vm", MigrationPhases.Failed, 1, failedAt: Now)]));
    }

    [Fact]
    public void A_workload_update_waits_after_an_evacuation_that_failed()
    {
        var update = Move("update", "vm", cause: Annotations.WorkloadUpdateMigration);
        Assert.NotNull(MigrationBackoff.Until(update, [update, Failed(1)]));
    }

    [Fact]
    public void One_that_was_called_off_did_not_fail()
    {
        var deleted = Failed(1);
        Assert.Null(MigrationBackoff.Until(Next, [Next, deleted with { Metadata = deleted.Metadata with { DeletionTimestamp = Now } }]));
    }

    [Fact]
    public void A_failure_in_the_second_in_which_the_next_one_was_made_counts() =>
        Assert.Equal(Now.AddSeconds(20), MigrationBackoff.Until(Next, [Move("same", "vm", MigrationPhases.Failed, 0, Annotations.EvacuationMigration, Now), Next]));

    [Fact]
    public void The_order_in_which_they_are_told_does_not_matter() => Gen.Select(Gen.Shuffle(Enumerable.Range(0, 6).ToArray()), Gen.Int[0, 5]).Sample((order, success) =>
    {
        var all = Enumerable.Range(0, 6).Select(i => i == 0 ? Next : i == success ? Move($"ok{i}", "vm", MigrationPhases.Succeeded, i, Annotations.EvacuationMigration) : Failed(i)).ToArray();
        Assert.Equal(MigrationBackoff.Until(Next, all), MigrationBackoff.Until(Next, order.Select(i => all[i])));
    });

    /// <summary>That many minutes ago.</summary>
    private static VirtualMachineInstanceMigration Failed(int age) => Move($"failed{age}", "vm", MigrationPhases.Failed, age, Annotations.EvacuationMigration, Now.AddMinutes(-age));
}
