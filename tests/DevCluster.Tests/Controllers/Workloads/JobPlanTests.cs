using Troupe.DevCluster.Controllers.Workloads;
using Troupe.DevCluster.Nodes.Model;
using Xunit;
using static Troupe.DevCluster.Tests.Controllers.Make;

namespace Troupe.DevCluster.Tests.Controllers.Workloads;

public sealed class JobPlanTests
{
    [Fact]
    public void As_many_pods_run_at_once_as_allowed_until_enough_have_succeeded()
    {
        var job = Job(new JobSpec { Completions = 3, Parallelism = 2 });
        Assert.Equal(2, JobPlan.Next(job, [], Now).Create.Count);
        Assert.Single(JobPlan.Next(job, [Done("a"), Pod("b")], Now).Create);
        Assert.Empty(JobPlan.Next(job, [Done("a"), Done("b"), Pod("c")], Now).Create);
        Assert.Equal("Complete", JobPlan.Next(job, [Done("a"), Done("b"), Done("c")], Now).End!.Value.Type);
    }

    [Fact]
    public void Without_a_number_of_completions_the_first_success_ends_the_work_when_the_others_are_done()
    {
        var job = Job(new JobSpec { Parallelism = 3 });
        var plan = JobPlan.Next(job, [Done("a"), Pod("b")], Now);
        Assert.Empty(plan.Create);
        Assert.Null(plan.End);
        Assert.Equal("Complete", JobPlan.Next(job, [Done("a"), Done("b")], Now).End!.Value.Type);
    }

    [Fact]
    public void A_failure_is_tried_again_after_a_growing_pause_and_only_so_often()
    {
        var job = Job(new JobSpec { Completions = 1, BackoffLimit = 2 });
        var waiting = JobPlan.Next(job, [Failed("a", Now)], Now + TimeSpan.FromSeconds(1));
        Assert.Empty(waiting.Create);
        Assert.Equal(Now + TimeSpan.FromSeconds(10), waiting.WakeAt);
        Assert.Single(JobPlan.Next(job, [Failed("a", Now)], Now + TimeSpan.FromSeconds(10)).Create);
        Assert.Equal(Now + TimeSpan.FromSeconds(20), JobPlan.Next(job, [Failed("a", Now), Failed("b", Now)], Now).WakeAt);
        var over = JobPlan.Next(job, [Failed("a", Now), Failed("b", Now), Failed("c", Now)], Now);
        Assert.Equal(("Failed", "BackoffLimitExceeded"), (over.End!.Value.Type, over.End.Value.Reason));
    }

    [Fact]
    public void Restarts_in_place_count_as_failures_too()
    {
        var pod = Pod("a") with { Status = new PodStatus { Phase = "Running", ContainerStatuses = [new ContainerStatus { RestartCount = 2 }] } };
        var plan = JobPlan.Next(Job(new JobSpec { Completions = 1, BackoffLimit = 1 }), [pod], Now);
        Assert.Equal("BackoffLimitExceeded", plan.End!.Value.Reason);
        Assert.Equal(["a"], plan.Delete.Select(p => p.Name));
    }

    [Fact]
    public void A_job_over_its_deadline_fails_and_one_before_it_wakes_then()
    {
        var job = Job(new JobSpec { Completions = 1, ActiveDeadlineSeconds = 60 });
        Assert.Equal(Now + TimeSpan.FromMinutes(1), JobPlan.Next(job, [Pod("a")], Now).WakeAt);
        Assert.Equal("DeadlineExceeded", JobPlan.Next(job, [Pod("a")], Now + TimeSpan.FromMinutes(1)).End!.Value.Reason);
    }

    [Fact]
    public void A_suspended_job_ends_its_pods_and_makes_none()
    {
        var plan = JobPlan.Next(Job(new JobSpec { Completions = 2, Suspend = true }), [Pod("a"), Done("b")], Now);
        Assert.Empty(plan.Create);
        Assert.Equal(["a"], plan.Delete.Select(p => p.Name));
        Assert.Null(plan.End);
    }

    [Fact]
    public void An_indexed_job_makes_the_indexes_that_neither_run_nor_have_succeeded()
    {
        var job = Job(new JobSpec { Completions = 4, Parallelism = 3, CompletionMode = "Indexed" });
        Assert.Equal([0, 3], JobPlan.Next(job, [Indexed(Done("a"), 1), Indexed(Pod("b"), 2)], Now).Create);
        Assert.Equal([1], JobPlan.Succeeded(job, [Indexed(Done("a"), 1), Indexed(Done("b"), 1), Indexed(Done("c"), 9)]));
    }

    private static Job Job(JobSpec spec) => new() { Spec = spec, Status = new JobStatus { StartTime = Now } };

    private static Pod Done(string name) => Pod(name, phase: "Succeeded", ready: false);

    private static Pod Failed(string name, DateTimeOffset at) => Pod(name, phase: "Failed", ready: false) with
    {
        Status = new PodStatus { Phase = "Failed", ContainerStatuses = [new ContainerStatus { State = new ContainerStates { Terminated = new ContainerState { ExitCode = 1, FinishedAt = at } } }] },
    };

    private static Pod Indexed(Pod pod, int index) => pod with { Metadata = pod.Metadata with { Annotations = new() { [JobPlan.IndexAnnotation] = $"{index}" } } };
}
