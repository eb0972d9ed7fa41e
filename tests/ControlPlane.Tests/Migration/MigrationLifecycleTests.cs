using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Tests.Vmi;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>A migration in the life of a VMI, step by step, through the functions that its actor uses.</summary>
public sealed class MigrationLifecycleTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly MigrationOptions Options = new(0, 0, false, 0, false, true) { CompletionTimeoutPerGiB = 150, AllowWorkloadDisruption = true };
    private static readonly MigrateVmi Wish = new("uid", "m1", "move", [], Options, null, Cancel: false);
    private static readonly MigrationEndpoint Endpoint = new("10.1.2.9", 4711, "target-certificate");

    private VmiState _state = Running();
    private IReadOnlyList<VmiEffect> _effects = [];
    private long _sequence = 10;

    [Fact]
    public void A_guest_moves_with_its_right_its_pod_and_its_report()
    {
        Tell(Wish);
        Assert.Equal("virt-launcher-demo-fghij", Assert.Single(_effects.OfType<VmiEffect.CreateTargetPod>()).Name);
        Assert.Equal(MigrationPhases.Pending, Phase());

        Tell(new PodObserved("uid", TargetPod()));
        var prepare = Command<PrepareTarget>();
        Assert.Equal(("node-2", 2L, "target-uid", "source-certificate"), (prepare.Node, prepare.Epoch, prepare.PodUid, prepare.SourceCertificate));
        Assert.Equal(["10.1.1.5"], prepare.KeptAddresses);

        TellTarget(TargetStage.Ready);
        var start = Command<StartMigration>();
        Assert.Equal(("node-1", 1L, 2L, Endpoint), (start.Node, start.Epoch, start.TargetEpoch, start.Target));
        TellSource(SourceStage.Migrating);
        Assert.Equal(MigrationPhases.Running, Phase());
        Assert.DoesNotContain(_effects, e => e is VmiEffect.Tell { Message: StartMigration });

        TellTarget(TargetStage.Loaded);
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        Assert.Equal(new Right(2, "node-2", "target-uid"), _state.Right);
        Assert.Equal(VmiPhases.Running, _state.Phase);
        Assert.Equal("node-2", Command<AdoptDomain>().Node);
        Assert.Equal(("node-1", 1L), (Command<ReleaseDomain>().Node, Command<ReleaseDomain>().Epoch));
        Assert.Empty(_effects.OfType<VmiEffect.DeletePod>());
        Assert.Equal(MigrationPhases.Running, Phase());

        TellTarget(TargetStage.Running, DomainState.Running);
        Assert.Equal(MigrationPhases.Running, Phase());
        Show();
        Assert.Equal(MigrationPhases.Succeeded, Phase());
        Tell(new AddressesLed("uid", "m1"));
        Tell(new PodObserved("uid", SourcePod() with { Phase = "Succeeded", ResourceVersion = "7" }));
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(VmiPhases.Running, _state.Phase);
        Assert.False(_state.PodIsGone);

        Tell(Wish);
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(MigrationPhases.Succeeded, Phase());
    }

    [Fact]
    public void A_source_pod_that_does_not_end_well_by_itself_and_soon_is_deleted()
    {
        Assert.Empty(Deleted(Now.AddSeconds(9)));
        Assert.Equal("pod-uid", Assert.Single(Deleted(Now.AddSeconds(10))).Uid);
        Assert.Single(Deleted(Now, SourcePod() with { Phase = "Failed" }));
        Assert.Single(Deleted(Now, SourcePod() with { HasOtherContainers = true }));
        Assert.Single(Deleted(Now, attachment: new AttachmentObservation("hp", "hp-source", "data", "pod-uid", IsReady: true, IsDeleting: false)));

        IReadOnlyList<VmiEffect.DeletePod> Deleted(DateTimeOffset at, PodObservation? pod = null, AttachmentObservation? attachment = null)
        {
            _state = Running();
            Start();
            TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
            if (attachment is not null)
                _state = _state.Observe(new AttachmentObserved("uid", attachment));
            Tell(new PodObserved("uid", (pod ?? SourcePod()) with { ResourceVersion = "7" }));
            return [.. VmiLifecycle.Decide(_state, at, "fghij").Effects.OfType<VmiEffect.DeletePod>()];
        }
    }

    [Fact]
    public void Pods_that_a_guest_has_left_are_deleted_together_when_there_are_many_and_nothing_moves()
    {
        for (var i = 1; i <= CompletedPods.Kept; i++)
            Tell(new PodObserved("uid", Pod($"left-{i}", $"uid-{i}", "node-1", "10.1.1.9") with { Phase = "Succeeded" }));
        // Neither its own pod, whose end is the guest's, nor what failed or is on its way out.
        Tell(new PodObserved("uid", Pod("failed", "uid-f", "node-1", "10.1.1.9") with { Phase = "Failed" }));
        Tell(new PodObserved("uid", Pod("leaving", "uid-g", "node-1", "10.1.1.9") with { Phase = "Succeeded", Deleting = true }));
        Assert.Empty(_effects.OfType<VmiEffect.DeleteCompleted>());

        var many = new PodObserved("uid", Pod("left-6", "uid-6", "node-1", "10.1.1.9") with { Phase = "Succeeded" });
        var before = _state;
        Start();
        Tell(many);
        Assert.Empty(_effects.OfType<VmiEffect.DeleteCompleted>());

        _state = before;
        Tell(many);
        var delete = Assert.Single(_effects.OfType<VmiEffect.DeleteCompleted>());
        Assert.Equal(("virt-launcher-demo-abcde", 6), (delete.OwnPod, delete.Known.Count));
        Assert.Equal("kubevirt.io=virt-launcher,kubevirt.io/created-by=uid", CompletedPods.Selection("uid", delete.OwnPod).LabelSelector);
        Assert.Equal("status.phase=Succeeded,metadata.name!=virt-launcher-demo-abcde", CompletedPods.Selection("uid", delete.OwnPod).FieldSelector);

        Tell(new PodGone("uid", "left-3", "uid-3"));
        Assert.Empty(_effects.OfType<VmiEffect.DeleteCompleted>());
    }

    [Fact]
    public void The_end_of_the_guests_own_pod_is_never_taken_for_one_that_it_has_left()
    {
        Tell(new PodObserved("uid", SourcePod() with { Phase = "Succeeded", ResourceVersion = "7" }));
        Assert.Empty(_state.Moving.Completed);
    }

    [Fact]
    public void The_next_attempt_has_an_epoch_that_no_attempt_before_had()
    {
        Tell(Wish);
        Tell(Wish with { Cancel = true });
        Tell(new PodGone("uid", "virt-launcher-demo-fghij", ""));
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(MigrationPhases.Failed, Phase());

        Tell(Wish with { MigrationId = "m2" });
        Assert.Equal(3, _state.Moving.Ongoing!.TargetEpoch);
    }

    [Fact]
    public void A_target_that_may_take_nobody_in_is_left_alone_until_it_may()
    {
        Tell(Wish with { Held = true });
        Tell(new PodObserved("uid", TargetPod()));
        Assert.Empty(_effects.OfType<VmiEffect.Tell>());
        Assert.Equal((MigrationPhases.Scheduling, "node-2"), (Phase(), MigrationPhases.News(_state, "m1").TargetNode));
        Tell(Wish);
        Assert.Equal("node-2", Command<PrepareTarget>().Node);
    }

    [Fact]
    public void The_next_wish_waits_while_the_last_migration_is_cleared_away()
    {
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TellTarget(TargetStage.Running, DomainState.Running);
        Show();
        Tell(Wish with { MigrationId = "m2" });
        Assert.Equal((MigrationPhases.Succeeded, MigrationPhases.Pending), (Phase(), MigrationPhases.News(_state, "m2").Phase));
    }

    [Fact]
    public void After_a_restart_a_migration_waits_for_the_pod_whose_addresses_are_to_follow_the_guest()
    {
        _state = _state with { Pod = null };
        Tell(Wish);
        Assert.Equal((null, MigrationPhases.Pending), (_state.Moving.Ongoing, Phase()));
        Tell(new PodObserved("uid", SourcePod()));
        Assert.Equal("10.1.1.5", _state.Moving.Ongoing?.KeptAddresses);
    }

    [Fact]
    public void A_second_migration_while_the_first_is_under_way_is_refused()
    {
        Start();
        var news = MigrationPhases.News(_state, "m2");
        Assert.Equal((MigrationPhases.Failed, "VMI is not eligible for migration because another migration job is in progress."), (news.Phase, news.Message));
    }

    [Fact]
    public void A_migration_of_a_VMI_that_is_gone_for_good_fails_and_one_of_a_VMI_that_is_not_known_yet_waits()
    {
        var gone = MigrationPhases.News(new VmiState("uid") { Retired = true }, "m1");
        Assert.Equal((MigrationPhases.Failed, "VmiDeleted"), (gone.Phase, gone.Reason));
        Assert.Null(MigrationPhases.News(new VmiState("uid"), "m1").Phase);
    }

    [Fact]
    public void At_the_end_the_whole_story_is_told()
    {
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TellTarget(TargetStage.Running, DomainState.Running);
        Show();
        var story = MigrationPhases.News(_state, "m1").Story!;
        Assert.Equal(("m1", "node-1", "node-2", true), (story.MigrationUid, story.SourceNode, story.TargetNode, story.Completed));
    }

    [Fact]
    public void A_cancelled_migration_that_has_started_waits_for_the_source_and_releases_the_target()
    {
        Start();
        Tell(Wish with { Cancel = true });
        Assert.Equal(2, Command<AbortMigration>().TargetEpoch);
        Assert.Empty(_effects.OfType<VmiEffect.DeletePod>());

        TellSource(SourceStage.Kept);
        Assert.Equal(MigrationPhases.Failed, Phase());
        Assert.Equal("target-uid", Assert.Single(_effects.OfType<VmiEffect.DeletePod>()).Uid);
        Tell(new PodGone("uid", "virt-launcher-demo-fghij", "target-uid"));
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(("node-1", VmiPhases.Running), (_state.Right!.Node, _state.Phase));
    }

    [Fact]
    public void A_cancel_that_comes_too_late_does_not_stop_the_handover()
    {
        Start();
        Tell(Wish with { Cancel = true });
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        Assert.Equal("node-2", _state.Right!.Node);
    }

    [Fact]
    public void A_deleted_VMI_first_ends_its_migration_and_then_its_guest()
    {
        Start();
        Tell(new VmiObserved("uid", Vmi() with { Metadata = Vmi().Metadata with { DeletionTimestamp = Now } }));
        Command<AbortMigration>();
        Assert.Null(_state.StopDeadline);
        Assert.True(VmiLifecycle.KeepsFinalizer(_state));
        TellSource(SourceStage.Kept);
        Assert.NotNull(_state.StopDeadline);
        Assert.Equal("node-1", Command<StopDomain>().Node);
    }

    [Fact]
    public void A_source_that_dies_without_a_word_fails_the_VMI_only_after_the_target_has_promised_never_to_run()
    {
        Start();
        TellTarget(TargetStage.Loaded);
        Tell(Report("node-1", 1, null) with { Launcher = LauncherPresence.Lost });
        Assert.Equal("node-2", Command<RefuseMigration>().Node);
        Assert.Equal(VmiPhases.Running, _state.Phase);
        TellTarget(TargetStage.Failed);
        Assert.Equal(VmiPhases.Failed, _state.Phase);
    }

    [Fact]
    public void Before_the_VMI_shows_its_new_node_the_migration_has_not_succeeded()
    {
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TellTarget(TargetStage.Running, DomainState.Running);
        Tell(new AddressesLed("uid", "m1"));
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(MigrationPhases.Running, Phase());
        Assert.True(VmiProjection.IsUrgent(_state, Now));

        Show();
        Assert.Equal("node-2", _state.Vmi!.Status!.NodeName);
        Assert.True(_state.Vmi.Status.MigrationState!.Completed);
        Assert.Equal(MigrationPhases.Succeeded, Phase());
    }

    [Fact]
    public void The_pod_of_a_guest_that_has_moved_gets_the_networks_mark_and_its_gate_in_one_write()
    {
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TellTarget(TargetStage.Running, DomainState.Running);
        Assert.True(Assert.Single(_effects.OfType<VmiEffect.LeadAddresses>()).Unpaused);
        Assert.Empty(_effects.OfType<VmiEffect.MarkUnpaused>());

        var patch = ControlPlane.Migration.TargetPod.Ready("target-uid", "10.1.1.5", unpaused: true, Now);
        Assert.Equal(("10.1.1.5", "True"), ((string?)patch["metadata"]!["annotations"]![ControlPlane.Migration.TargetPod.KeptAnnotation], (string?)patch["status"]!["conditions"]![0]!["status"]));

        // Without its answer the gate is made sure of all the same.
        Tell(new AddressesLed("uid", "m1"));
        Assert.Equal("target-uid", Assert.Single(_effects.OfType<VmiEffect.MarkUnpaused>()).PodUid);
    }

    [Fact]
    public void The_agent_of_a_guest_that_has_moved_is_taken_for_present_until_it_speaks_or_is_late()
    {
        var seen = new InterfaceObservation("default", "02:00:00:00:00:01", "eth0", ["10.1.1.5"], "domain, guest-agent");
        _state = _state with { Report = _state.Report! with { Domain = _state.Report.Domain with { GuestAgent = new GuestAgentObservation(true, "7.2.0"), Interfaces = [seen] } } };
        Show();
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        var arrived = Report("node-2", 2, Target(TargetStage.Running));
        Tell(arrived with { Domain = arrived.Domain with { Interfaces = [new("default", "02:00:00:00:00:01", null, ["10.1.2.9"], "domain")] } });
        Show();
        Assert.Equal("True", Condition("AgentConnected")?.Status);
        var shown = Assert.Single(_state.Vmi!.Status!.Interfaces!);
        Assert.Equal(("eth0", "10.1.2.9", "domain, guest-agent"), (shown.InterfaceName, shown.IpAddress, shown.InfoSource));

        Assert.Contains(VmiProjection.Wanted(_state.Vmi, _state, Now.AddSeconds(29)).Status!.Conditions!, c => c.Type == "AgentConnected");
        Assert.DoesNotContain(VmiProjection.Wanted(_state.Vmi, _state, Now.AddSeconds(31)).Status!.Conditions!, c => c.Type == "AgentConnected");
        Tell(Report("node-2", 2, Target(TargetStage.Running)) is var later ? later with { Domain = later.Domain with { GuestAgent = new GuestAgentObservation(false) } } : later);
        Assert.DoesNotContain(VmiProjection.Wanted(_state.Vmi, _state, Now).Status!.Conditions!, c => c.Type == "AgentConnected");
    }

    [Fact]
    public void What_is_known_of_a_guest_stays_told_while_a_control_plane_that_has_restarted_waits_for_its_node()
    {
        Tell(Report("node-1", 1, null, DomainState.Paused, DomainReason.User) is var paused ? paused with { Domain = paused.Domain with { GuestAgent = new GuestAgentObservation(true) } } : paused);
        Show();
        var told = _state.Vmi!.Status!.Conditions!;
        Assert.Contains(told, c => c is { Type: "Paused", Status: "True" });
        Assert.Contains(told, c => c is { Type: "AgentConnected", Status: "True" });

        _state = _state with { Report = null };
        Assert.Null(VmiProjection.Patch(_state, Now)?["status"]?["conditions"]);
        Tell(Report("node-1", 1, null));
        Assert.DoesNotContain(VmiProjection.Wanted(_state.Vmi, _state, Now).Status!.Conditions!, c => c.Type is "Paused" or "AgentConnected");
    }

    [Fact]
    public void What_the_source_does_to_end_its_copy_is_told_in_the_VMI()
    {
        Start();
        Show();
        var configuration = _state.Vmi?.Status?.MigrationState?.MigrationConfiguration;
        Assert.Equal((150L, true), (configuration?.CompletionTimeoutPerGiB, configuration?.AllowWorkloadDisruption));
        Assert.Null(Condition("MigrationProgressing"));

        Forecast(MigrationStrategy.Throttling, "the guest's CPUs are held back by 20 %");
        Assert.Equal(("True", "Throttling", "the guest's CPUs are held back by 20 %"), Condition("MigrationProgressing"));
        Assert.Equal("PreCopy", Mode());
        Assert.Equal("True", Condition("Ready")?.Status);

        Forecast(MigrationStrategy.Paused, "the guest is paused until the copy is whole");
        Assert.Equal("Paused", Mode());
        Assert.Equal(("True", "PausedByMigrationMonitor", "VMI was paused by the migration monitor"), Condition("Paused"));
        Assert.Equal("False", Condition("Ready")?.Status);

        TellSource(SourceStage.Kept);
        Show();
        Assert.Null(Condition("MigrationProgressing"));
        Assert.Null(Condition("Paused"));
        Assert.Equal("Paused", Mode());
    }

    [Fact]
    public void A_target_that_cannot_take_the_guest_says_why_before_anything_is_sent_and_the_migration_shows_it()
    {
        var platform = new PlatformObservation("kvm", "pc-q35-9.1", "9.1.0", "11.0.0", "<cpu/>");
        _state = _state with { Report = _state.Report! with { Domain = _state.Report.Domain with { Platform = platform } } };
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        Assert.Equal(platform, Command<PrepareTarget>().Platform);

        Tell(Report("node-2", 2, Target(TargetStage.Failed) with { Reason = PreflightReasons.MachineType, Message = "this node has no machine type pc-q35-9.1" }));
        Assert.DoesNotContain(_effects, e => e is VmiEffect.Tell { Message: StartMigration });
        var news = MigrationPhases.News(_state, "m1");
        Assert.Equal(("IncompatibleMachineType", "this node has no machine type pc-q35-9.1"), (TargetCompatibility.Of(news)?.Reason, TargetCompatibility.Of(news)?.Message));
        Assert.Null(TargetCompatibility.Of(news with { Reason = "TargetPodPending" }));
    }

    [Fact]
    public void A_guest_that_its_user_paused_is_to_be_paused_at_the_target()
    {
        Tell(Report("node-1", 1, null, DomainState.Paused, DomainReason.User));
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        Assert.True(Command<PrepareTarget>().Paused);
    }

    [Fact]
    public void A_copy_that_the_source_gave_up_fails_the_migration_with_its_reason()
    {
        Start();
        Tell(Report("node-1", 1, Source(SourceStage.Kept) with { Message = "Live migration has been aborted: stuck for 150 s" }));
        Show();
        Assert.Equal("Live migration has been aborted: stuck for 150 s", _state.Vmi!.Status!.MigrationState!.FailureReason);
        Assert.Equal(MigrationPhases.Failed, Phase());
    }

    [Fact]
    public void However_much_a_launcher_has_to_say_of_a_failure_the_status_takes_a_line_of_it()
    {
        Start();
        Tell(Report("node-1", 1, Source(SourceStage.Kept) with { Message = $"internal error: QEMU said\r\n  {new string('x', 5000)}\nand more" }));
        var message = _state.Moving.Ongoing!.Message!;
        Assert.StartsWith("internal error: QEMU said; xxx", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.InRange(message.Length, 100, 410);
    }

    [Fact]
    public void A_setting_that_is_not_heeded_is_told_to_the_user()
    {
        var configuration = new MigrationConfiguration { DisableTLS = true, AllowPostCopy = true, AllowWorkloadDisruption = false };
        var settings = MigrationSettings.Of(configuration, null);
        Assert.False(settings.Options.AllowPostCopy);
        _state = _state.Observe(Wish with { Ignored = settings.Ignored });
        var effects = VmiLifecycle.Decide(_state, Now, "fghij").Effects.OfType<VmiEffect.Announce>();
        Assert.Equal(["allowPostCopy", "disableTLS"], effects.Select(e => e.Message.Split(':')[0]));
    }

    [Fact]
    public void Post_copy_is_a_disturbance_that_is_allowed_with_it_unless_disturbances_are_not()
    {
        var settings = MigrationSettings.Of(new MigrationConfiguration { AllowPostCopy = true }, null);
        Assert.Equal((true, true), (settings.Options.AllowPostCopy, settings.Options.AllowWorkloadDisruption));
        Assert.Empty(settings.Ignored);
    }

    [Fact]
    public void A_guest_in_post_copy_is_its_targets_and_its_source_stays_until_nothing_of_it_is_there()
    {
        Start();
        TellSource(SourceStage.Switching);
        Assert.Equal("node-1", _state.Right!.Node);
        TellSource(SourceStage.Switched);
        Assert.Equal(new Right(2, "node-2", "target-uid"), _state.Right);
        Assert.Equal(2, Command<AdoptDomain>().Epoch);
        Assert.DoesNotContain(_effects, e => e is VmiEffect.Tell { Message: ReleaseDomain } or VmiEffect.DeletePod);

        TellTarget(TargetStage.Arriving, DomainState.Running);
        Show();
        // The rest of its memory comes from the address that its peers know it by.
        Assert.DoesNotContain(_effects, e => e is VmiEffect.LeadAddresses or VmiEffect.Tell { Message: ReleaseDomain or AdoptDomain } or VmiEffect.DeletePod);
        var story = _state.Vmi!.Status!.MigrationState!;
        Assert.Equal(("PostCopy", true, null, null), (story.Mode, story.TargetNodeDomainDetected, story.Completed, story.EndTimestamp));
        Assert.Equal(("node-2", "PostCopy", MigrationPhases.Running), (_state.Vmi.Status.NodeName, Condition("MigrationProgressing")?.Reason, Phase()));
        // Too late.
        Tell(Wish with { Cancel = true });
        Assert.NotNull(_state.Moving.Ongoing);
        Assert.Equal(MigrationStep.HandedOver, _state.Moving.Ongoing.Step);

        TellTarget(TargetStage.Running, DomainState.Running);
        Show();
        Assert.Contains(_effects, e => e is VmiEffect.LeadAddresses);
        Assert.Equal("node-1", Command<ReleaseDomain>().Node);
        Tell(new AddressesLed("uid", "m1"));
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Show();
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(("PostCopy", true, null), (Mode(), _state.Vmi.Status.MigrationState!.Completed, _state.Vmi.Status.MigrationState!.Failed));
        Assert.Equal(MigrationPhases.Succeeded, Phase());
    }

    [Fact]
    public void A_target_that_runs_the_guest_is_enough_to_know_of_the_switch()
    {
        Start();
        TellTarget(TargetStage.Arriving, DomainState.Running);
        Assert.Equal("node-2", _state.Right!.Node);
        Assert.True(_state.Moving.Ongoing!.PostCopy);
    }

    [Fact]
    public void A_guest_that_is_lost_in_post_copy_fails_with_its_migration_and_the_reason()
    {
        const string Why = "the guest was lost in post-copy: the connection to its source ended before all of its memory was here";
        Start();
        TellSource(SourceStage.Switched);
        TellTarget(TargetStage.Arriving, DomainState.Running);
        var lost = Report("node-2", 2, Target(TargetStage.Failed), DomainState.Shutoff, DomainReason.Crashed);
        Tell(lost with { Domain = lost.Domain with { Message = Why } });
        Assert.Equal((VmiPhases.Failed, "GuestCrashed", Why), (_state.Phase, _state.Reason, _state.Message));
        Assert.Equal("node-1", Command<ReleaseDomain>(r => r.Node == "node-1").Node);
        Assert.Equal(MigrationPhases.Failed, Phase());
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Assert.Null(_state.Moving.Ongoing);
        Show();
        Assert.True(_state.Vmi!.Status!.MigrationState!.Failed);
        Assert.Equal((MigrationPhases.Failed, Why), (Phase(), MigrationPhases.News(_state, "m1").Message));
    }

    [Fact]
    public void A_node_that_cannot_take_post_copy_says_so_and_the_guest_is_paused_instead()
    {
        Tell(Wish with { Options = Options with { AllowPostCopy = true } });
        Tell(new PodObserved("uid", TargetPod()));
        var before = _state.Observe(Report("node-2", 2, Target(TargetStage.Ready) with { PostCopyProblem = "no userfaultfd" }));
        var announced = Assert.Single(VmiLifecycle.Decide(before, Now, "fghij").Effects.OfType<VmiEffect.Announce>(), e => e.Reason == "MigrationSettingIgnored");
        Assert.StartsWith("allowPostCopy: no userfaultfd; ", announced.Message, StringComparison.Ordinal);
        Tell(Report("node-2", 2, Target(TargetStage.Ready) with { PostCopyProblem = "no userfaultfd" }));
        var options = Command<StartMigration>().Options;
        Assert.Equal((false, true), (options.AllowPostCopy, options.AllowWorkloadDisruption));
    }

    [Fact]
    public void A_guest_whose_source_launcher_died_before_it_had_gone_back_runs_on_at_a_target_that_has_it_whole()
    {
        Start();
        // Kubelet is faster than the agent.
        Tell(new PodObserved("uid", SourcePod() with { Phase = "Failed", EndedAt = Now, ResourceVersion = "2" }));
        Assert.DoesNotContain(_effects, e => e is VmiEffect.Tell { Message: RefuseMigration });
        Tell(Report("node-1", 1, Source(SourceStage.Stopped) with { EndedAt = Now }) with { Launcher = LauncherPresence.Lost });
        Assert.DoesNotContain(_effects, e => e is VmiEffect.Tell { Message: RefuseMigration });
        TellTarget(TargetStage.Loaded);
        Assert.Equal(("node-2", 2L), (_state.Right!.Node, _state.Right.Epoch));
        Assert.Equal(2, Command<AdoptDomain>().Epoch);
    }

    [Fact]
    public void A_guest_that_ends_at_the_target_after_the_right_had_come_and_before_it_ran_is_told_as_lost()
    {
        Start();
        TellSource(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        Tell(Report("node-2", 2, Target(TargetStage.Failed), DomainState.NoDomain, DomainReason.Unknown));
        Assert.Equal((VmiPhases.Failed, "MigrationFailed"), (_state.Phase, _state.Reason));
    }

    [Fact]
    public void A_target_is_refused_the_guest_of_a_dead_source_that_left_no_word_or_was_silent_for_too_long()
    {
        Start();
        TellTarget(TargetStage.Loaded);
        var before = _state;
        Tell(Report("node-1", 1, Source(SourceStage.Aborting)) with { Launcher = LauncherPresence.Lost });
        Assert.Equal(2, Command<RefuseMigration>().Epoch);

        _state = before;
        Tell(new PodObserved("uid", SourcePod() with { Phase = "Failed", EndedAt = Now - MigrationLimits.Default.LastWord, ResourceVersion = "2" }));
        Assert.Equal(2, Command<RefuseMigration>().Epoch);
    }

    [Fact]
    public void A_forged_or_outdated_word_of_a_node_that_is_no_part_of_the_migration_changes_nothing()
    {
        Start();
        var before = _state;
        Tell(Report("node-3", 2, Target(TargetStage.Running)));
        Tell(Report("node-2", 7, Target(TargetStage.Running)));
        Tell(Report("node-2", 1, Source(SourceStage.PassedOn)));
        Assert.Equal(before, _state);
    }

    private void Start()
    {
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        TellTarget(TargetStage.Ready);
        TellSource(SourceStage.Migrating);
        Assert.Equal(MigrationStep.Started, _state.Moving.Ongoing!.Step);
    }

    /// <summary>The VMI object is written, and the feed brings it.</summary>
    private void Show() => Tell(new VmiObserved("uid", VmiProjection.Wanted(_state.Vmi!, _state, Now)));

    private string? Mode() => _state.Vmi?.Status?.MigrationState?.Mode;

    private void Forecast(MigrationStrategy strategy, string message)
    {
        Tell(Report("node-1", 1, Source(SourceStage.Migrating) with { Forecast = new MigrationForecast(strategy, message) }));
        Show();
    }

    private (string? Status, string? Reason, string? Message)? Condition(string type) =>
        _state.Vmi!.Status!.Conditions!.FirstOrDefault(c => c.Type == type) is { } c ? (c.Status, c.Reason, c.Message) : null;

    private void Tell(IVmiMessage message) => (_state, _effects) = _state.Observe(message).Settle(Now, "fghij");

    private void TellTarget(TargetStage stage, DomainState domain = DomainState.NoDomain) => Tell(Report("node-2", 2, Target(stage), domain));

    private void TellSource(SourceStage stage, DomainState domain = DomainState.Running, DomainReason reason = DomainReason.Booted) => Tell(Report("node-1", 1, Source(stage), domain, reason));

    private DomainReported Report(string node, long epoch, MigrationObservation? migration, DomainState domain = DomainState.Running, DomainReason reason = DomainReason.Booted) => new(
        "uid", node, epoch, "agent", _sequence++, LauncherPresence.Connected, new DomainObservation { Epoch = epoch, State = domain, Reason = reason, Migration = migration, Certificate = node == "node-1" ? "source-certificate" : "target-certificate" });

    private static MigrationObservation Target(TargetStage stage) => new("m1", 2, SourceStage.None, stage) { Endpoint = stage is TargetStage.Ready or TargetStage.Loaded ? Endpoint : null };

    private static MigrationObservation Source(SourceStage stage) => new("m1", 2, stage, TargetStage.None);

    private T Command<T>(Func<T, bool>? which = null) where T : INodeMessage => _effects.OfType<VmiEffect.Tell>().Select(t => t.Message).OfType<T>().Single(which ?? (_ => true));

    private string? Phase() => MigrationPhases.News(_state, "m1").Phase;

    private static VirtualMachineInstance Vmi() => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") } } },
    };

    private static PodObservation Pod(string name, string uid, string node, string address) => new(
        name, uid, node, "Running", Ready: true, Deleting: false, [address], null, null, null, null, null, null, null, null, null);

    private static PodObservation SourcePod() => Pod("virt-launcher-demo-abcde", "pod-uid", "node-1", "10.1.1.5");

    private static PodObservation TargetPod() => Pod("virt-launcher-demo-fghij", "target-uid", "node-2", "10.1.2.9");

    private static VmiState Running() => new VmiState("uid")
    {
        PodName = "virt-launcher-demo-abcde",
        Phase = VmiPhases.Running,
        Right = new Right(1, "node-1", "pod-uid"),
        Vmi = Vmi(),
        Pod = SourcePod(),
        Report = new DomainReported("uid", "node-1", 1, "agent", 1, LauncherPresence.Connected, new DomainObservation { Epoch = 1, State = DomainState.Running, Certificate = "source-certificate" }),
    };
}
