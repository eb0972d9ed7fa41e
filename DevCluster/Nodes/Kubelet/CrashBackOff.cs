using Troupe.DevCluster.Nodes.Containers;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The kubelet's restart pauses: none before the first restart, then doubling, capped at 30 times the first, forgotten after a long run.</summary>
public sealed record CrashBackOff(TimeSpan Initial)
{
    private static readonly TimeSpan LongRun = TimeSpan.FromMinutes(10);

    public TimeSpan Delay(int step) => step <= 0 ? TimeSpan.Zero : Doubling(step - 1);

    /// <summary>Pause after the n-th failure in a row of something else than a run (a pull, a mount, a configuration).</summary>
    public TimeSpan AfterFailure(int failures) => Doubling(Math.Max(0, failures - 1));

    public int NextStep(ContainerRun ended) =>
        ended is { Exit: { } exit, StartedAt: { } started } && exit.FinishedAt - started >= LongRun ? 0 : ended.BackOffStep + 1;

    public DateTimeOffset RestartAt(ContainerRun ended) => ended.Exit!.FinishedAt + Delay(ended.BackOffStep);

    private TimeSpan Doubling(int times) => Initial * Math.Min(30, Math.Pow(2, Math.Min(times, 10)));
}
