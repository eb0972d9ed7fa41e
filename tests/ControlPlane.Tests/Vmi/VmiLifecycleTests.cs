using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi;

public sealed class VmiLifecycleTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_new_VMI_gets_a_pod_name_before_it_gets_a_pod()
    {
        var decision = Decide(Seen(Vmi()));
        Assert.Collection(decision.Events,
            e => Assert.Equal("virt-launcher-demo-abcde", Assert.IsType<PodNamed>(e).PodName),
            e => Assert.Equal(VmiPhases.Pending, Assert.IsType<PhaseEntered>(e).Phase));
        Assert.Empty(decision.Effects);
        Assert.Equal("virt-launcher-demo-abcde", Assert.Single(Settle(Seen(Vmi())).Effects.OfType<VmiEffect.CreatePod>()).Name);
    }

    [Fact]
    public void The_right_to_run_is_granted_once_and_only_to_the_node_of_a_ready_pod()
    {
        var waiting = Settle(Scheduled().Observe(new PodObserved("uid", Pod(ready: false)))).State;
        Assert.Equal(VmiPhases.Scheduling, waiting.Phase);
        Assert.Null(waiting.Right);

        var granted = Settle(waiting.Observe(new PodObserved("uid", Pod(ready: true))));
        Assert.Equal(new Right(1, "node-1", "pod-uid"), granted.State.Right);
        Assert.Equal(VmiPhases.Scheduled, granted.State.Phase);
        var run = Assert.IsType<RunDomain>(Assert.Single(granted.Effects.OfType<VmiEffect.Tell>()).Message);
        Assert.Equal(("node-1", 1L, "pod-uid"), (run.Node, run.Epoch, run.PodUid));
        Assert.Empty(Settle(granted.State).State.Transitions.Skip(granted.State.Transitions.Count));
    }

    [Theory]
    [InlineData(DomainState.Shutoff, DomainReason.Shutdown, VmiPhases.Succeeded)]
    [InlineData(DomainState.Shutoff, DomainReason.Saved, VmiPhases.Succeeded)]
    [InlineData(DomainState.Shutoff, DomainReason.Crashed, VmiPhases.Failed)]
    [InlineData(DomainState.Shutoff, DomainReason.Failed, VmiPhases.Failed)]
    [InlineData(DomainState.Shutoff, DomainReason.Destroyed, VmiPhases.Failed)]
    [InlineData(DomainState.Crashed, DomainReason.Panicked, VmiPhases.Failed)]
    [InlineData(DomainState.Paused, DomainReason.User, VmiPhases.Running)]
    public void What_the_domain_does_decides_the_phase(DomainState domain, DomainReason reason, string phase) =>
        Assert.Equal(phase, Settle(Running().Observe(Report(2, domain, reason))).State.Phase);

    [Fact]
    public void A_report_of_another_node_or_epoch_or_an_older_one_changes_nothing()
    {
        var running = Running();
        Assert.Equal(running, running.Observe(Report(2, DomainState.Shutoff, DomainReason.Shutdown) with { Node = "node-2" }));
        Assert.Equal(running, running.Observe(Report(2, DomainState.Shutoff, DomainReason.Shutdown) with { Epoch = 7 }));
        Assert.Equal(running, running.Observe(Report(1, DomainState.Shutoff, DomainReason.Shutdown)));
    }

    [Fact]
    public void A_deleted_VMI_is_shut_down_with_its_grace_period_and_keeps_its_finalizer_until_the_pod_is_gone()
    {
        var deleting = Settle(Running().Observe(new VmiObserved("uid", Deleting(Vmi(grace: 42)))));
        Assert.Equal(Now + TimeSpan.FromSeconds(42), deleting.State.StopDeadline);
        Assert.Equal(Now + TimeSpan.FromSeconds(42), Assert.IsType<StopDomain>(Assert.Single(deleting.Effects.OfType<VmiEffect.Tell>()).Message).Deadline);
        Assert.True(VmiLifecycle.KeepsFinalizer(deleting.State));

        var down = Settle(deleting.State.Observe(Report(2, DomainState.Shutoff, DomainReason.Shutdown)));
        Assert.Equal(VmiPhases.Succeeded, down.State.Phase);
        Assert.Single(down.Effects.OfType<VmiEffect.DeletePod>());
        Assert.IsType<ReleaseDomain>(Assert.Single(down.Effects.OfType<VmiEffect.Tell>()).Message);
        Assert.True(VmiLifecycle.KeepsFinalizer(down.State));

        var gone = Settle(down.State.Observe(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid")));
        Assert.True(gone.State.Released);
        Assert.False(VmiLifecycle.KeepsFinalizer(gone.State));
        Assert.True(Settle(gone.State.Observe(new VmiGone("uid"))).State.Retired);
    }

    [Fact]
    public void A_VMI_deleted_before_it_had_a_pod_lets_go_at_once()
    {
        var state = Settle(new VmiState("uid").Observe(new VmiObserved("uid", Deleting(Vmi())))).State;
        Assert.Equal(VmiPhases.Failed, state.Phase);
        Assert.False(VmiLifecycle.KeepsFinalizer(state));
    }

    [Fact]
    public void A_node_that_does_not_end_the_guest_is_passed_over_after_the_deadline()
    {
        var deleting = Settle(Running().Observe(new VmiObserved("uid", Deleting(Vmi())))).State;
        var late = VmiLifecycle.Decide(deleting, deleting.StopDeadline!.Value + VmiLifecycle.StopOverrun + TimeSpan.FromSeconds(1), "abcde");
        Assert.Single(late.Effects.OfType<VmiEffect.DeletePod>());
    }

    [Fact]
    public void A_pod_that_is_missing_from_a_list_fails_a_running_VMI_but_not_one_whose_pod_is_just_being_made()
    {
        Assert.Equal(VmiPhases.Failed, Settle(Running().Observe(new NoPodListed("uid"))).State.Phase);
        Assert.Equal(VmiPhases.Pending, Settle(Settle(Seen(Vmi())).State.Observe(new NoPodListed("uid"))).State.Phase);
    }

    [Fact]
    public void After_a_restart_a_running_guest_is_asked_about_and_not_started_again()
    {
        var recovered = Running() with { Vmi = null, Pod = null, Report = null };
        Assert.Empty(VmiLifecycle.Decide(recovered, Now, "abcde").Effects);
        var decision = VmiLifecycle.Decide(recovered.Observe(new VmiObserved("uid", Vmi())), Now, "abcde");
        Assert.Empty(decision.Events);
        Assert.IsType<QueryDomain>(Assert.Single(decision.Effects.OfType<VmiEffect.Tell>()).Message);
    }

    [Fact]
    public void A_lost_launcher_and_a_refused_spec_fail_the_VMI_with_their_reason()
    {
        var lost = Settle(Running().Observe(Report(2, DomainState.Running, DomainReason.Booted) with { Launcher = LauncherPresence.Lost })).State;
        Assert.Equal((VmiPhases.Failed, "LauncherLost"), (lost.Phase, lost.Reason));
        var refused = Settle(Running().Observe(new DomainRefused("uid", "node-1", 1, "Unsupported", "spec.domain.devices.gpus: no", Fatal: true))).State;
        Assert.Equal((VmiPhases.Failed, "spec.domain.devices.gpus: no"), (refused.Phase, refused.Message));
    }

    [Fact]
    public void A_guest_that_does_not_start_is_told_of_until_its_launcher_gives_up_and_then_fails_the_VMI()
    {
        var tried = Settle(Scheduled().Observe(new PodObserved("uid", Pod(ready: true)))).State.Observe(new DomainRefused("uid", "node-1", 1, "LibvirtFailed", "no memory", Fatal: false));
        var waiting = Settle(tried);
        Assert.Equal(VmiPhases.Scheduled, waiting.State.Phase);
        Assert.IsType<RunDomain>(Assert.Single(waiting.Effects.OfType<VmiEffect.Tell>()).Message);
        Assert.Equal(("False", "Synchronizing with the Domain failed.", "no memory"), Synchronized(waiting.State));

        var end = Report(2, DomainState.NoDomain, DomainReason.Failed);
        var ended = Settle(tried.Observe(end with { Launcher = LauncherPresence.Lost, Domain = end.Domain with { Message = "the guest did not start within 300 s: no memory" } })).State;
        Assert.Equal((VmiPhases.Failed, "GuestNotStarted"), (ended.Phase, ended.Reason));
        Assert.Equal(("False", "GuestNotStarted", "the guest did not start within 300 s: no memory"), Synchronized(ended));

        var failed = Pod(ready: false) with { Phase = "Failed", TerminatedMessage = "the guest did not start within 300 s: no memory", ResourceVersion = "9" };
        var withPod = Settle(tried.Observe(new PodObserved("uid", failed))).State;
        Assert.Equal(("GuestNotStarted", "the guest did not start within 300 s: no memory"), (withPod.Reason, withPod.Message));

        static (string?, string?, string?) Synchronized(VmiState state)
        {
            var condition = VmiProjection.Wanted(state.Vmi!, state, Now).Status!.Conditions!.Single(c => c.Type == Conditions.Synchronized);
            return (condition.Status, condition.Reason, condition.Message);
        }
    }

    [Fact]
    public void A_guest_with_VSOCK_is_not_started_before_its_object_names_a_context_id_that_is_its_own()
    {
        var vmi = Vmi();
        vmi = vmi with { Spec = vmi.Spec! with { Domain = vmi.Spec.Domain! with { Devices = new Devices { AutoattachVSOCK = true } } } };
        var scheduled = Settle(Settle(Seen(vmi)).State.Observe(new PodObserved("uid", Pod(ready: true))));
        Assert.Single(scheduled.Effects.OfType<VmiEffect.AskForContextId>());
        Assert.Empty(scheduled.Effects.OfType<VmiEffect.Tell>());

        var given = Settle(scheduled.State.Observe(new ContextIdGiven("uid", 77)));
        Assert.Empty(given.Effects);
        var wanted = VmiProjection.Wanted(vmi, given.State, Now);
        Assert.Equal((77, true), (wanted.Status!.VSOCKCID, VmiProjection.IsUrgent(given.State, Now)));
        var written = Settle(given.State.Observe(new VmiObserved("uid", wanted with { Metadata = wanted.Metadata with { ResourceVersion = "8" } })));
        Assert.Equal(77, Assert.IsType<RunDomain>(Assert.Single(written.Effects.OfType<VmiEffect.Tell>()).Message).Vmi.Status!.VSOCKCID);
        // What the object says stays, whatever is given later.
        Assert.Equal(77, VmiProjection.Wanted(written.State.Vmi!, written.State.Observe(new ContextIdGiven("uid", 78)), Now).Status!.VSOCKCID);
    }

    [Fact]
    public void No_two_VMIs_have_the_same_context_id()
    {
        var drawn = new Queue<long>([5, 5, 6, 6, 5, 9]);
        var ids = new ContextIds(drawn.Dequeue);
        Assert.Equal((5, 6, 5), (ids.For("a"), ids.For("b"), ids.For("a")));
        ids.See(Vmi() with { Status = new VirtualMachineInstanceStatus { VSOCKCID = 5 } });
        ids.Release("a");
        ids.See(Vmi() with { Status = new VirtualMachineInstanceStatus { VSOCKCID = 5 } });
        Assert.Equal(9, ids.For("c"));
        Assert.InRange(new ContextIds().For("x"), ContextIds.First, ContextIds.Last);
    }

    [Fact]
    public void A_pod_that_the_API_server_has_is_not_made_again_before_the_feed_had_time_to_bring_it()
    {
        var made = Settle(Seen(Vmi())).State with { PodMadeAt = Now };
        var waiting = Settle(made).Effects;
        Assert.Empty(waiting.OfType<VmiEffect.CreatePod>());
        Assert.Equal(VmiLifecycle.FeedPatience, Assert.Single(waiting.OfType<VmiEffect.LookAgain>()).After);
        Assert.Single(VmiLifecycle.Decide(made, Now + VmiLifecycle.FeedPatience, "abcde").Effects.OfType<VmiEffect.CreatePod>());
        Assert.Equal(VmiPhases.Scheduling, Settle(made.Observe(new PodObserved("uid", Pod(ready: false)))).State.Phase);
    }

    [Fact]
    public void Nobody_waits_to_hear_that_a_VMI_whose_pod_is_being_made_is_not_ready()
    {
        var vmi = Vmi() with { Status = new VirtualMachineInstanceStatus { Phase = VmiPhases.Pending } };
        vmi = vmi with { Metadata = vmi.Metadata with { Finalizers = [Finalizers.ForegroundDelete] } };
        var pending = Settle(Seen(vmi)).State;
        Assert.NotNull(VmiProjection.Patch(pending, Now));
        Assert.False(VmiProjection.IsUrgent(pending, Now));
        Assert.True(VmiProjection.IsUrgent(pending with { CreateError = "exceeded quota" }, Now));
        Assert.True(VmiProjection.IsUrgent(Settle(pending.Observe(new PodObserved("uid", Pod(ready: false)))).State, Now));
        Assert.True(VmiProjection.IsUrgent(Settle(Seen(Vmi())).State, Now));
    }

    [Fact]
    public void A_disk_without_a_volume_fails_with_the_path_of_the_field()
    {
        var vmi = Vmi();
        vmi = vmi with { Spec = vmi.Spec! with { Domain = vmi.Spec.Domain! with { Devices = new Devices { Disks = [new Disk { Name = "nowhere" }] } } } };
        var state = Settle(Seen(vmi)).State;
        Assert.Equal(VmiPhases.Failed, state.Phase);
        Assert.Contains("spec.domain.devices.disks[0]", state.Message);
    }

    [Fact]
    public void The_patch_is_empty_once_the_object_says_it_all_and_carries_the_version_when_finalizers_change()
    {
        var state = Settle(Seen(Vmi())).State;
        var patch = VmiProjection.Patch(state, Now)!;
        Assert.Equal("7", (string?)patch["metadata"]!["resourceVersion"]);
        Assert.Equal(Finalizers.ForegroundDelete, (string?)patch["metadata"]!["finalizers"]![0]);
        Assert.Equal("Pending", (string?)patch["status"]!["phase"]);

        var node = System.Text.Json.JsonSerializer.SerializeToNode(state.Vmi!, Troupe.Messages.Api.ApiJson.Default.VirtualMachineInstance)!.AsObject();
        foreach (var (name, value) in patch["metadata"]!.AsObject().ToList())
            node["metadata"]![name] = value?.DeepClone();
        node["status"] = patch["status"]!.DeepClone();
        var written = System.Text.Json.JsonSerializer.Deserialize(node, Troupe.Messages.Api.ApiJson.Default.VirtualMachineInstance)!;
        Assert.Null(VmiProjection.Patch(state with { Vmi = written }, Now + TimeSpan.FromMinutes(1)));
    }

    private static VmiState Running() =>
        Settle(Settle(Scheduled().Observe(new PodObserved("uid", Pod(ready: true)))).State.Observe(Report(1, DomainState.Running, DomainReason.Booted))).State;

    private static VmiState Scheduled() => Settle(Seen(Vmi())).State;

    private static VmiState Seen(VirtualMachineInstance vmi) => new VmiState("uid").Observe(new VmiObserved("uid", vmi));

    /// <summary>Journals decisions until there are none left, as the actor does, and returns the last effects.</summary>
    private static (VmiState State, IReadOnlyList<VmiEffect> Effects) Settle(VmiState state)
    {
        while (true)
        {
            var decision = Decide(state);
            if (decision.Events.Count == 0)
                return (state, decision.Effects);
            state = decision.Events.Aggregate(state, (s, e) => s.Apply(e));
        }
    }

    private static Decision Decide(VmiState state) => VmiLifecycle.Decide(state, Now, "abcde");

    private static DomainReported Report(long sequence, DomainState domain, DomainReason reason) =>
        new("uid", "node-1", 1, "agent", sequence, LauncherPresence.Connected, new DomainObservation { Epoch = 1, Sequence = sequence, State = domain, Reason = reason });

    private static PodObservation Pod(bool ready) =>
        new("virt-launcher-demo-abcde", "pod-uid", "node-1", ready ? "Running" : "Pending", ready, false, ["10.0.0.5"], "Burstable", null, null, null, null, null, "image");

    private static VirtualMachineInstance Vmi(long grace = 30) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid", ResourceVersion = "7" },
        Spec = new VirtualMachineInstanceSpec { TerminationGracePeriodSeconds = grace, Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") }, Devices = new Devices() } },
    };

    private static VirtualMachineInstance Deleting(VirtualMachineInstance vmi) => vmi with { Metadata = vmi.Metadata with { DeletionTimestamp = Now } };
}
