using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Workloads;

/// <summary>What a job does next. Pure.</summary>
/// <param name="Create">Completion indexes of the pods to be made; -1 where pods have no index.</param>
/// <param name="Delete">Pods to be ended.</param>
/// <param name="End">Set when the job is over: the condition's type, reason and message.</param>
/// <param name="WakeAt">When to look again.</param>
internal sealed record JobPlan(IReadOnlyList<int> Create, IReadOnlyList<Pod> Delete, (string Type, string Reason, string Message)? End, DateTimeOffset? WakeAt)
{
    public const string IndexAnnotation = "batch.kubernetes.io/job-completion-index";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(6);

    public static JobPlan Next(Job job, IReadOnlyList<Pod> pods, DateTimeOffset now)
    {
        var active = pods.Where(pod => !pod.IsFinished && !pod.Metadata.IsDeleted).ToList();
        if (job.Spec.Suspend) return new JobPlan([], active, null, null);
        var failed = pods.Where(pod => pod.Status.Phase == "Failed").ToList();
        var failures = failed.Count + active.Sum(pod => pod.Status.ContainerStatuses.Sum(status => status.RestartCount));
        if (failures > job.Spec.BackoffLimit) return Over(active, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
        var deadline = job.Spec.ActiveDeadlineSeconds is { } seconds && job.Status.StartTime is { } began ? began + TimeSpan.FromSeconds(seconds) : (DateTimeOffset?)null;
        if (deadline <= now) return Over(active, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline");

        var succeeded = Succeeded(job, pods);
        var done = job.Spec.Completions is { } completions ? succeeded.Count >= completions : succeeded.Count > 0 && active.Count == 0;
        if (done) return Over(active, "Complete", "CompletionsReached", "Reached expected number of succeeded pods");

        // Without a number of completions, the first success says that the work is done.
        var wanted = job.Spec.Completions is { } all ? Math.Min(job.Spec.Parallelism, all - succeeded.Count) : succeeded.Count > 0 ? active.Count : job.Spec.Parallelism;
        if (active.Count > wanted) return new JobPlan([], [.. active.OrderBy(pod => pod.IsReady).Take(active.Count - wanted)], null, deadline);
        if (active.Count == wanted) return new JobPlan([], [], null, deadline);
        if (failed.Count > 0 && failed.Max(EndOf) is { } last && last + Pause(failed.Count) is var retry && retry > now) return new JobPlan([], [], null, retry);
        if (job.Spec.CompletionMode != "Indexed") return new JobPlan([.. Enumerable.Repeat(-1, wanted - active.Count)], [], null, deadline);
        var taken = active.Select(IndexOf).Concat(succeeded).ToHashSet();
        return new JobPlan([.. Enumerable.Range(0, job.Spec.Completions ?? 0).Where(index => !taken.Contains(index)).Take(wanted - active.Count)], [], null, deadline);
    }

    /// <summary>One entry per success; of an indexed job, per index.</summary>
    public static IReadOnlyList<int> Succeeded(Job job, IEnumerable<Pod> pods)
    {
        var indexes = pods.Where(pod => pod.Status.Phase == "Succeeded").Select(IndexOf);
        return job.Spec.CompletionMode == "Indexed" ? [.. indexes.Where(index => index >= 0 && index < job.Spec.Completions).Distinct().Order()] : [.. indexes];
    }

    private static JobPlan Over(IReadOnlyList<Pod> active, string type, string reason, string message) => new([], active, (type, reason, message), null);

    private static TimeSpan Pause(int failures) => TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(failures - 1, 10)));

    private static int IndexOf(Pod pod) => int.TryParse(pod.Metadata.Annotations.GetValueOrDefault(IndexAnnotation), out var index) ? index : -1;

    private static DateTimeOffset? EndOf(Pod pod) => pod.Status.ContainerStatuses.Max(status => status.State.Terminated?.FinishedAt) ?? pod.Metadata.CreationTimestamp;
}
