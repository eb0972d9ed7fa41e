using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>Runs the probes of one run of a container until it ends, and reports each change of a verdict.</summary>
internal sealed class ContainerProber(HandlerRunner handlers, TimeProvider time, Action<ProbeKind, bool, string> changed, Action<ProbeKind, string> failed)
{
    /// <summary>Other probes wait for the startup probe.</summary>
    public async Task RunAsync(Container container, string containerId, string podIp, DateTimeOffset startedAt, CancellationToken ct)
    {
        try
        {
            if (container.StartupProbe is { } startup && !await LoopAsync(ProbeKind.Startup, startup, new ProbeTally(null), untilVerdict: true)) return;
            List<Task> loops = [];
            if (container.LivenessProbe is { } liveness) loops.Add(LoopAsync(ProbeKind.Liveness, liveness, new ProbeTally(true), untilVerdict: false));
            if (container.ReadinessProbe is { } readiness) loops.Add(LoopAsync(ProbeKind.Readiness, readiness, new ProbeTally(false), untilVerdict: false));
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The container ended.
        }

        async Task<bool> LoopAsync(ProbeKind kind, Probe probe, ProbeTally tally, bool untilVerdict)
        {
            var first = startedAt + TimeSpan.FromSeconds(probe.InitialDelaySeconds) - time.GetUtcNow();
            if (first > TimeSpan.Zero) await Task.Delay(first, time, ct);
            while (true)
            {
                var problem = await handlers.RunAsync(probe, container, containerId, podIp, TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds)), ct);
                ct.ThrowIfCancellationRequested();
                if (problem is not null) failed(kind, problem);
                var next = tally.After(problem is null, probe);
                if (next.Verdict is { } verdict && verdict != tally.Verdict)
                {
                    changed(kind, verdict, problem ?? "");
                    if (untilVerdict) return verdict;
                }
                tally = next;
                await Task.Delay(TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds)), time, ct);
            }
        }
    }
}
