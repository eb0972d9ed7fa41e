using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;

namespace Troupe.DevCluster.Tests.Controllers.Workloads;

public sealed class DeploymentPlanTests
{
    [Fact]
    public void A_rolling_update_ends_and_keeps_within_surge_and_unavailability_all_the_way()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var wanted = random.Next(1, 12);
            string Limit() => random.Next(2) == 0 ? $"{random.Next(4)}" : $"{random.Next(101)}%";
            var deployment = Workload("d", wanted).Rolling(Limit(), Limit());
            var (surge, unavailable) = DeploymentPlan.Limits(deployment);
            var sets = new[] { Workload("new", 0), Workload("old-1", wanted, wanted, age: 2), Workload("old-2", 0, age: 1) };
            for (var step = 0; !Done(sets, wanted); step++)
            {
                Assert.True(step < 200, $"seed {seed} hangs: {string.Join(", ", sets.Select(s => $"{s.Name} {s.Status.AvailableReplicas}/{s.Spec.Replicas}"))}");
                var changes = DeploymentPlan.Scale(deployment, sets[0], sets[1..], 0);
                foreach (var (set, replicas) in changes)
                    sets[Array.IndexOf(sets, set)] = Resized(set, replicas);
                Assert.True(sets.Sum(s => s.Spec.Replicas) <= wanted + surge, $"seed {seed}: more than {wanted} + {surge}");
                Assert.True(sets.Sum(s => s.Status.AvailableReplicas) >= wanted - unavailable, $"seed {seed}: fewer than {wanted} - {unavailable} available");
                if (changes.Count == 0)
                    sets[0] = sets[0] with { Status = sets[0].Status with { AvailableReplicas = Math.Min(sets[0].Spec.Replicas, sets[0].Status.AvailableReplicas + random.Next(1, 3)) } };
            }
        }
    }

    [Theory]
    [InlineData(4, null, null, 1, 1)]
    [InlineData(10, "25%", "25%", 3, 2)]
    [InlineData(3, "0", "0", 0, 1)]
    [InlineData(2, "100%", "100%", 2, 2)]
    [InlineData(1, "0", "50%", 0, 1)]
    public void Surge_rounds_up_and_unavailability_down_and_both_are_never_zero(int replicas, string? maxSurge, string? maxUnavailable, int surge, int unavailable) =>
        Assert.Equal((surge, unavailable), DeploymentPlan.Limits(Workload("d", replicas).Rolling(maxSurge, maxUnavailable)));

    [Fact]
    public void Broken_pods_of_an_old_set_go_first_and_cost_no_availability()
    {
        var deployment = Workload("d", 4).Rolling("0", "1");
        var old = new[] { Workload("broken", 2, 0, age: 1), Workload("good", 2, 2, age: 2) };
        var change = Assert.Single(DeploymentPlan.Scale(deployment, Workload("new", 0), old, 0));
        Assert.Equal(("broken", 1), (change.Set.Name, change.Replicas));
    }

    [Fact]
    public void Recreate_shuts_the_old_down_and_waits_until_their_pods_are_gone()
    {
        var deployment = Workload("d", 3);
        deployment = deployment with { Spec = deployment.Spec with { Strategy = new UpdateStrategy { Type = "Recreate" } } };
        var shut = Assert.Single(DeploymentPlan.Scale(deployment, Workload("new", 0), [Workload("old", 3, 3)], oldPods: 3));
        Assert.Equal(("old", 0), (shut.Set.Name, shut.Replicas));
        Assert.Empty(DeploymentPlan.Scale(deployment, Workload("new", 0), [Workload("old", 0)], oldPods: 1));
        var start = Assert.Single(DeploymentPlan.Scale(deployment, Workload("new", 0), [Workload("old", 0)], oldPods: 0));
        Assert.Equal(("new", 3), (start.Set.Name, start.Replicas));
    }

    [Fact]
    public void Where_only_one_set_runs_it_gets_the_new_size()
    {
        // The template may have changed, too: there is no set for it yet.
        var change = Assert.Single(DeploymentPlan.Resize(Workload("d", 5), null, [Workload("old", 2, 2), Workload("older", 0, age: 1)]));
        Assert.Equal(("old", 5), (change.Set.Name, change.Replicas));
        Assert.Empty(DeploymentPlan.Resize(Workload("d", 2), null, [Workload("old", 2, 2)]));
    }

    [Theory]
    [InlineData(15, 8, 5, 11, 7)]
    [InlineData(5, 8, 5, 5, 3)]
    [InlineData(0, 8, 5, 0, 0)]
    [InlineData(11, 8, 5, 9, 5)]
    public void In_the_middle_of_a_roll_out_a_new_size_is_shared_in_proportion(int wanted, int old, int fresh, int oldThen, int freshThen)
    {
        // Ten were wanted, with a surge of three.
        var deployment = Workload("d", wanted).Rolling("3", "2");
        Workload[] sets = [Sized(Workload("new", fresh), 10, 13), Sized(Workload("old", old, old, age: 1), 10, 13)];
        Assert.True(DeploymentPlan.IsResized(deployment, sets));
        var changes = DeploymentPlan.Resize(deployment, sets[0], sets).ToDictionary(c => c.Set.Name, c => c.Replicas);
        Assert.Equal((oldThen, freshThen), (changes.GetValueOrDefault("old", old), changes.GetValueOrDefault("new", fresh)));
    }

    [Fact]
    public void A_new_size_at_any_time_keeps_the_limits_and_the_roll_out_still_ends()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var wanted = random.Next(1, 12);
            var deployment = Workload("d", wanted).Rolling($"{random.Next(1, 60)}%", $"{random.Next(60)}%");
            Workload Mark(Workload set) => Sized(set, deployment.Spec.Replicas, deployment.Spec.Replicas + DeploymentPlan.Limits(deployment).Surge);
            Workload[] sets = [Mark(Workload("new", 0)), Mark(Workload("old-1", wanted, wanted, age: 2)), Mark(Workload("old-2", 0, age: 1))];
            for (var step = 0; !Done(sets, deployment.Spec.Replicas); step++)
            {
                Assert.True(step < 300, $"seed {seed} hangs");
                if (step < 20 && random.Next(4) == 0) deployment = deployment with { Spec = deployment.Spec with { Replicas = random.Next(0, 20) } };
                var resized = DeploymentPlan.IsResized(deployment, sets);
                var changes = resized ? DeploymentPlan.Resize(deployment, sets[0], sets) : DeploymentPlan.Scale(deployment, sets[0], sets[1..], 0);
                foreach (var (set, replicas) in changes) sets[Array.IndexOf(sets, set)] = Resized(set, replicas);
                if (resized) sets = [.. sets.Select(set => set.Spec.Replicas > 0 ? Mark(set) : set)];
                else foreach (var (set, _) in changes) sets = [.. sets.Select(s => s.Name == set.Name ? Mark(s) : s)];
                Assert.True(sets.Sum(s => s.Spec.Replicas) <= deployment.Spec.Replicas + DeploymentPlan.Limits(deployment).Surge, $"seed {seed}, step {step}: more than {deployment.Spec.Replicas} and its surge");
                if (changes.Count == 0) sets = [.. sets.Select(s => s with { Status = s.Status with { AvailableReplicas = Math.Min(s.Spec.Replicas, s.Status.AvailableReplicas + random.Next(1, 3)) } })];
            }
        }
    }

    [Fact]
    public void Progress_is_told_from_start_to_end_and_a_standstill_beyond_the_deadline_too()
    {
        var (old, fresh) = (Workload("old", 2, 2), Workload("new", 1));
        var deployment = Workload("d", 2);
        deployment = deployment with { Metadata = deployment.Metadata with { Generation = 2 } };
        var moving = new DeploymentProgress(deployment, fresh, [fresh, old]).Conditions(Now)[1];
        Assert.Equal(("True", "ReplicaSetUpdated"), (moving.Status, moving.Reason));

        var standing = deployment with { Status = new WorkloadStatus { ObservedGeneration = 2, Replicas = 3, AvailableReplicas = 2, Conditions = [moving] } };
        var late = Now + TimeSpan.FromSeconds(standing.Spec.ProgressDeadlineSeconds + 1);
        var stuck = new DeploymentProgress(standing, fresh, [fresh, old]).Conditions(late)[1];
        Assert.Equal(("False", "ProgressDeadlineExceeded"), (stuck.Status, stuck.Reason));

        var done = Workload("new", 2, 2);
        var end = new DeploymentProgress(standing, done, [done, Workload("old", 0)]).Conditions(late);
        Assert.Equal(["MinimumReplicasAvailable", "NewReplicaSetAvailable"], end.Select(c => c.Reason));
    }

    private static Workload Sized(Workload set, int desired, int max) => set with
    {
        Metadata = set.Metadata with { Annotations = new() { [DeploymentPlan.Desired] = $"{desired}", [DeploymentPlan.Max] = $"{max}" } },
    };

    private static bool Done(Workload[] sets, int wanted) => sets[0].Status.AvailableReplicas == wanted && sets[0].Spec.Replicas == wanted && sets[1..].All(s => s.Spec.Replicas == 0);

    /// <summary>As its controller does: pods that aren't available go first.</summary>
    private static Workload Resized(Workload set, int replicas) => set with
    {
        Spec = set.Spec with { Replicas = replicas },
        Status = set.Status with { Replicas = replicas, AvailableReplicas = Math.Min(set.Status.AvailableReplicas, replicas) },
    };
}
