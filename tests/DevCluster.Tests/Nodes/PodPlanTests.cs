using System.Collections.Immutable;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

public sealed class PodPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly CrashBackOff BackOff = new(TimeSpan.FromSeconds(10));

    private static readonly PodSpec Spec = new()
    {
        InitContainers = [new Container { Name = "init", Image = "i" }, new Container { Name = "side", Image = "i", RestartPolicy = "Always" }],
        Containers = [new Container { Name = "main", Image = "i" }],
    };

    [Fact]
    public void A_pod_gets_its_sandbox_then_its_volumes_then_its_containers_in_order()
    {
        Assert.IsType<PodStep.PrepareSandbox>(Assert.Single(Steps(Spec, new PodObservation())));
        Assert.IsType<PodStep.MountVolumes>(Assert.Single(Steps(Spec, new PodObservation { SandboxReady = true })));
        Assert.IsType<PodStep.PullImage>(Assert.Single(Steps(Spec, new PodObservation { SandboxReady = true, VolumesReady = true })));
        Assert.Equal(["init"], Started(Spec, Ready()));
        Assert.Empty(Started(Spec, Ready().With("init", _ => Runs())));
        Assert.Equal(["side"], Started(Spec, Ready().With("init", _ => Ended(0))));
        // A side-car holds the others up until its startup probe is content.
        Assert.Empty(Started(Spec, Ready().With("init", _ => Ended(0)).With("side", _ => Runs() with { Started = false })));
        Assert.Equal(["main"], Started(Spec, Ready().With("init", _ => Ended(0)).With("side", _ => Runs())));
    }

    [Fact]
    public void A_container_that_ends_is_started_again_after_a_growing_pause_as_the_policy_says()
    {
        var seen = Ready().With("init", _ => Ended(0)).With("side", _ => Runs()).With("main", _ => Ended(1, step: 2));
        var decision = PodPlan.Next(new Pod { Spec = Spec }, seen, BackOff, Now);
        Assert.Empty(decision.Steps);
        Assert.Equal(Now + TimeSpan.FromSeconds(20), decision.WakeAt);
        var restart = Assert.IsType<PodStep.StartContainer>(Assert.Single(PodPlan.Next(new Pod { Spec = Spec }, seen, BackOff, Now + TimeSpan.FromSeconds(20)).Steps));
        Assert.Equal((1, 3), (restart.Attempt, restart.BackOffStep));
        // Never again: the pod is over, its side-car is told to end, and then nothing is left to keep.
        var never = Spec with { RestartPolicy = "Never" };
        Assert.Equal("side", Assert.IsType<PodStep.StopContainer>(Assert.Single(Steps(never, seen))).Container.Name);
        Assert.IsType<PodStep.ReleaseSandbox>(Assert.Single(Steps(never, seen.With("side", _ => Ended(0)))));
    }

    [Fact]
    public void A_deleted_pod_ends_its_containers_then_its_side_cars_and_is_killed_when_its_time_is_over()
    {
        var running = Ready().With("init", _ => Ended(0)).With("side", _ => Runs()).With("main", _ => Runs()) with { TerminatingSince = Now, TerminationGrace = TimeSpan.FromSeconds(30) };
        var stop = Assert.IsType<PodStep.StopContainer>(Assert.Single(Steps(Spec, running)));
        Assert.Equal(("main", Now + TimeSpan.FromSeconds(30)), (stop.Container.Name, stop.Deadline));
        var told = running.With("main", v => v with { Stopping = new Stopping(stop.Deadline) });
        Assert.Equal(stop.Deadline, PodPlan.Next(new Pod { Spec = Spec }, told, BackOff, Now).WakeAt);
        Assert.Equal(new PodStep.KillContainer("main"), Assert.Single(PodPlan.Next(new Pod { Spec = Spec }, told, BackOff, stop.Deadline).Steps));
        // A second deletion with less patience.
        Assert.Equal(new PodStep.KillContainer("main"), Assert.Single(Steps(Spec, told with { TerminationGrace = TimeSpan.Zero })));
        Assert.Equal("side", Assert.IsType<PodStep.StopContainer>(Assert.Single(Steps(Spec, running.With("main", _ => Ended(143))))).Container.Name);
        Assert.IsType<PodStep.Finish>(Assert.Single(Steps(Spec, running.With("main", _ => Ended(143)).With("side", _ => Ended(143)))));
    }

    [Fact]
    public void An_unhealthy_container_is_stopped_once()
    {
        var sick = Ready().With("init", _ => Ended(0)).With("side", _ => Runs()).With("main", _ => Runs() with { Unhealthy = "Container main failed liveness probe, will be restarted" });
        Assert.Equal("Container main failed liveness probe, will be restarted", Assert.IsType<PodStep.StopContainer>(Assert.Single(Steps(Spec, sick))).Why);
        Assert.Empty(Steps(Spec, sick.With("main", v => v with { Stopping = new Stopping(Now + TimeSpan.FromSeconds(30)) })));
    }

    [Fact]
    public void An_ephemeral_container_runs_once_and_keeps_no_pod_alive()
    {
        var spec = Spec with { EphemeralContainers = [new Container { Name = "dbg", Image = "i" }] };
        var running = Ready().With("init", _ => Ended(0)).With("side", _ => Runs()).With("main", _ => Runs());
        Assert.Equal(["dbg"], Started(spec, running));
        Assert.Empty(Steps(spec, running.With("dbg", _ => Ended(1))));
        Assert.Equal(["main", "dbg"], Steps(spec, running.With("dbg", _ => Runs()) with { TerminatingSince = Now }).OfType<PodStep.StopContainer>().Select(s => s.Container.Name));
    }

    private static PodObservation Ready() => new()
    {
        SandboxReady = true,
        VolumesReady = true,
        Images = ImmutableDictionary<string, ImageView>.Empty.Add("i", new ImageView { Image = new Image("i", "sha256:0", "/nowhere", new ImageConfig()) }),
    };

    private static ContainerView Runs() => new() { Current = new ContainerRun { StartedAt = Now }, Started = true, Ready = true };

    private static ContainerView Ended(int code, int step = 0) => new() { Current = new ContainerRun { StartedAt = Now, BackOffStep = step, Exit = new RunExit(code, "", null, Now) } };

    private static IReadOnlyList<PodStep> Steps(PodSpec spec, PodObservation seen) => PodPlan.Next(new Pod { Spec = spec }, seen, BackOff, Now).Steps;

    private static IEnumerable<string> Started(PodSpec spec, PodObservation seen) => Steps(spec, seen).Cast<PodStep.StartContainer>().Select(s => s.Container.Name);
}
