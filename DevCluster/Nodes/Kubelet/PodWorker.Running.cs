using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What happens around a running container: its probes, its hooks, its last words.</summary>
internal sealed partial class PodWorker
{
    private void Running(Container container, ContainerRun run, ContainerRun? previous)
    {
        seen = seen.With(container.Name, _ => new ContainerView
        {
            Current = run,
            Previous = previous,
            Started = container.StartupProbe is null,
            Ready = container is { StartupProbe: null, ReadinessProbe: null },
        });
        Probe(container, run);
        node.Runtime.Watch(run.Id, Bundle(container.Name, run.Attempt), exit => inbox.Writer.TryWrite(() => Exited(container, run.Id, exit)));
    }

    private void PostStart(Container container, ContainerRun run)
    {
        if (container.Lifecycle.PostStart is not { } hook) return;
        _ = Task.Run(async () =>
        {
            if (await node.Handlers.RunAsync(hook, container, run.Id, address!.Ip, TimeSpan.FromDays(1), stop) is not { } problem) return;
            node.Events.Record(pod, "Warning", "FailedPostStartHook", $"PostStartHook failed: {problem}");
            Report(container, run, v => v with { Unhealthy = "FailedPostStartHook" });
        }, CancellationToken.None);
    }

    private void Probe(Container container, ContainerRun run)
    {
        Unprobe(container.Name);
        if (container is { StartupProbe: null, LivenessProbe: null, ReadinessProbe: null }) return;
        var ends = probing[container.Name] = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var prober = new ContainerProber(node.Handlers, node.Time, Changed, (kind, problem) => node.Events.Record(pod, "Warning", "Unhealthy", $"{kind} probe failed: {problem}"));
        var token = ends.Token;
        _ = Task.Run(() => prober.RunAsync(container, run.Id, address!.Ip, run.StartedAt ?? node.Time.GetUtcNow(), token), CancellationToken.None);

        void Changed(ProbeKind kind, bool ok, string problem) => Report(container, run, view => kind switch
        {
            ProbeKind.Readiness => view with { Ready = ok },
            ProbeKind.Startup when ok => view with { Started = true, Ready = container.ReadinessProbe is null },
            _ when ok => view,
            _ => view with { Unhealthy = $"Container {container.Name} failed {kind.ToString().ToLowerInvariant()} probe, will be restarted" },
        });
    }

    private void Report(Container container, ContainerRun run, Func<ContainerView, ContainerView> change) => inbox.Writer.TryWrite(() =>
    {
        if (seen.Container(container.Name).Current is { Exit: null } current && current.Id == run.Id) seen = seen.With(container.Name, change);
    });

    private void Unprobe(string container)
    {
        if (!probing.Remove(container, out var ends)) return;
        ends.Cancel();
        ends.Dispose();
    }

    /// <summary>The preStop hook first, then the signal; the plan kills when the deadline is over, whatever this is at.</summary>
    private void Stop(PodStep.StopContainer stopping)
    {
        var container = stopping.Container;
        var id = seen.Container(container.Name).Current!.Id;
        Unprobe(container.Name);
        var signal = seen.Images.GetValueOrDefault(container.Image)?.Image?.Config.StopSignal is { Length: > 0 } own ? own : "TERM";
        _ = Task.Run(async () =>
        {
            if (container.Lifecycle.PreStop is { } hook)
            {
                var left = stopping.Deadline - node.Time.GetUtcNow();
                var problem = left > TimeSpan.Zero ? await node.Handlers.RunAsync(hook, container, id, address!.Ip, left, stop) : null;
                if (problem is not null) node.Events.Record(pod, "Warning", "FailedPreStopHook", $"PreStopHook failed: {problem}");
            }
            await node.Runtime.KillAsync(id, signal);
        }, CancellationToken.None);
    }

    private string? TerminationMessage(Container container, int attempt, int exitCode)
    {
        const int Longest = 4096;
        var file = $"{Bundle(container.Name, attempt)}/termination-log";
        var text = File.Exists(file) ? File.ReadAllText(file) : "";
        if (text.Length == 0 && exitCode != 0 && container.TerminationMessagePolicy == "FallbackToLogsOnError" && File.Exists(LogFile(container.Name, attempt)))
        {
            // CRI log lines: time, stream, tag, then the text.
            var lines = File.ReadLines(LogFile(container.Name, attempt)).TakeLast(80).Select(l => l.Split(' ', 4) is [_, _, _, var said] ? said : l);
            text = string.Join('\n', lines);
        }
        return text.Length == 0 ? null : text.Length > Longest ? text[^Longest..] : text;
    }
}
