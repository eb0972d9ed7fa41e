using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi;

public sealed class HotplugLifecycleTests
{
    private const string Attachment = "hp-pod";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_pod_is_made_once_its_claims_are_there_and_the_condition_names_one_that_is_missing()
    {
        var vmi = With(Vmi(), new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "claim" } });
        var waiting = Settle(Seen(vmi)).State;
        Assert.Empty(Effects<VmiEffect.CreatePod>(waiting));

        var missing = waiting.Observe(new ClaimGone("uid", "claim"));
        Assert.Empty(Effects<VmiEffect.CreatePod>(missing));
        Assert.Equal("FailedPvcNotFound", Assert.Single(Effects<VmiEffect.Announce>(missing)).Reason);
        var condition = VmiProjection.Wanted(vmi, missing, Now).Status!.Conditions!.Single(c => c.Type == Conditions.Synchronized);
        Assert.Equal(("False", "FailedPvcNotFound", "failed to render launch manifest: didn't find PVC claim"), (condition.Status, condition.Reason, condition.Message));

        var filling = missing.Observe(new ClaimObserved("uid", Claim(isPopulated: false)));
        Assert.Empty(Effects<VmiEffect.CreatePod>(filling));
        Assert.Single(Effects<VmiEffect.CreatePod>(filling.Observe(new ClaimObserved("uid", Claim()))));
    }

    [Fact]
    public void A_changed_spec_is_ordered_until_the_domain_shows_that_it_is_carried_out()
    {
        var running = Running(Vmi());
        Assert.Empty(Effects<VmiEffect.Tell>(running));

        var vmi = Vmi() with { Spec = Vmi().Spec! with { Domain = Vmi().Spec!.Domain! with { Cpu = new CPU { Sockets = 2 } } } };
        var changed = running.Observe(new VmiObserved("uid", vmi));
        var update = Order(changed)!;
        Assert.Equal(update.Revision, Order(changed)!.Revision);
        Assert.NotEmpty(Effects<VmiEffect.LookAgain>(changed));
        Assert.Null(Order(changed.Observe(Report(2, update.Revision))));
    }

    [Fact]
    public void A_status_that_is_written_is_no_change_of_the_spec()
    {
        var running = Running(Vmi());
        var written = VmiProjection.Wanted(running.Vmi!, running, Now);
        Assert.Empty(Effects<VmiEffect.Tell>(running.Observe(new VmiObserved("uid", written))));
    }

    [Fact]
    public void A_change_that_is_refused_is_not_ordered_again_but_shown_until_another_one_is_carried_out()
    {
        var vmi = Vmi() with { Spec = Vmi().Spec! with { Domain = Vmi().Spec!.Domain! with { Cpu = new CPU { Sockets = 2 } } } };
        var changed = Running(Vmi()).Observe(new VmiObserved("uid", vmi));
        var refused = changed.Observe(new DomainRefused("uid", "node-1", 1, "HotplugFailed", "no room", Fatal: false) { Revision = Order(changed)!.Revision });
        Assert.Null(Order(refused));
        Assert.Contains(VmiProjection.Wanted(vmi, refused, Now).Status!.Conditions!, c => c is { Type: Conditions.Synchronized, Status: "False", Reason: "HotplugFailed", Message: "no room" });
        Assert.Null(refused.Observe(Report(2, "another")).ChangeRefused);
    }

    [Fact]
    public void A_plugged_volume_goes_from_its_claim_over_a_pod_of_its_own_into_the_guest()
    {
        var vmi = With(Vmi(), Plugged());
        var pending = Running(Vmi()).Observe(new VmiObserved("uid", vmi)).Observe(new ClaimGone("uid", "claim"));
        Assert.Equal(("Pending", "FailedPvcNotFound"), Phase(pending));
        Assert.Empty(Effects<VmiEffect.CreateAttachment>(pending));

        var bound = pending.Observe(new ClaimObserved("uid", Claim()));
        Assert.Equal(("Bound", "PVCNotReady"), Phase(bound));
        Assert.Equal("data", Assert.Single(Effects<VmiEffect.CreateAttachment>(bound)).Volume);

        var attaching = bound.Observe(new AttachmentObserved("uid", Pod(isReady: false)));
        Assert.Equal(("AttachedToNode", "SuccessfulCreate"), Phase(attaching));
        Assert.Empty(Effects<VmiEffect.CreateAttachment>(attaching));
        Assert.Empty(Order(attaching)!.Volumes);

        var attached = attaching.Observe(new AttachmentObserved("uid", Pod(isReady: true)));
        Assert.NotEqual(Order(attaching)!.Revision, Order(attached)!.Revision);
        Assert.Equal(new PluggedVolume("data", "hp-uid", PluggedVolumeKind.Image), Assert.Single(Order(attached)!.Volumes));

        var mounted = attached.Observe(Report(2, null) with { Mounted = ["data"] });
        Assert.Equal(("MountedToPod", "VolumeMountedToPod"), Phase(mounted));
        var ready = mounted.Observe(Report(3, Order(attached)!.Revision, "data") with { Mounted = ["data"] });
        Assert.Equal(("Ready", "VolumeReady"), Phase(ready));
        Assert.Empty(Effects<VmiEffect.Tell>(ready));
    }

    [Fact]
    public void A_pulled_volume_keeps_its_pod_until_neither_guest_nor_launcher_has_it()
    {
        var plugged = Running(Vmi()).Observe(new VmiObserved("uid", With(Vmi(), Plugged()))).Observe(new ClaimObserved("uid", Claim())).Observe(new AttachmentObserved("uid", Pod(isReady: true)));
        plugged = plugged.Observe(Report(2, Order(plugged)!.Revision, "data") with { Mounted = ["data"] });
        var shown = VmiProjection.Wanted(plugged.Vmi!, plugged, Now).Status;

        var pulled = plugged.Observe(new VmiObserved("uid", Vmi() with { Status = shown }));
        var revision = Order(pulled)!.Revision;
        Assert.Empty(Effects<VmiEffect.DeleteAttachment>(pulled));
        Assert.Equal("Detaching", Phase(pulled).Item1);
        var unplugged = pulled.Observe(Report(3, revision) with { Mounted = ["data"] });
        Assert.Empty(Effects<VmiEffect.DeleteAttachment>(unplugged));
        // An agent that has just started knows of no order and would never unmount it.
        Assert.NotNull(Order(unplugged));
        var unmounted = unplugged.Observe(Report(4, revision));
        Assert.Equal(Attachment, Assert.Single(Effects<VmiEffect.DeleteAttachment>(unmounted)).Name);
        Assert.Equal("UnMountedFromPod", Phase(unmounted).Item1);
        var gone = unmounted.Observe(new AttachmentGone("uid", Attachment, "hp-uid"));
        Assert.Null(VmiProjection.Wanted(gone.Vmi!, gone, Now).Status!.VolumeStatus);
    }

    [Fact]
    public void A_claim_for_a_memory_dump_tells_how_the_dump_is_going_and_keeps_its_mount_and_pod_until_it_is_over()
    {
        var vmi = With(Vmi(), new Volume { Name = "data", MemoryDump = new MemoryDumpVolumeSource { ClaimName = "claim", Hotpluggable = true } });
        var attached = Running(Vmi()).Observe(new VmiObserved("uid", vmi)).Observe(new ClaimObserved("uid", Claim())).Observe(new AttachmentObserved("uid", Pod(isReady: true)));
        Assert.Equal(PluggedVolumeKind.Folder, Assert.Single(Order(attached)!.Volumes).Kind);
        var revision = Order(attached)!.Revision;
        Assert.Equal(("data", null), (Dump(attached).ClaimName, Dump(attached).TargetFileName));

        var dumping = attached.Observe(Dumping(2, revision, new MemoryDumpObservation("data", "f.memory.dump", Now), DomainState.Paused));
        Assert.Equal(("MemoryDumpVolumeInProgress", "VolumeMountedToPod"), Phase(dumping));
        Assert.Equal(("f.memory.dump", Now, null), (Dump(dumping).TargetFileName, Dump(dumping).StartTimestamp, Dump(dumping).EndTimestamp));
        // QEMU holds the guest still; nobody paused it.
        Assert.DoesNotContain(VmiProjection.Wanted(vmi, dumping, Now).Status!.Conditions!, c => c.Type == Conditions.Paused);
        Assert.Equal("Guest VM is paused", VmiProjection.Wanted(vmi, dumping, Now).Status!.Conditions!.Single(c => c.Type == Conditions.Ready).Message);

        var failed = dumping.Observe(Dumping(3, revision, new MemoryDumpObservation("data", "f.memory.dump", Now, Now, "no room")));
        Assert.Equal("MemoryDumpVolumeFailed", Phase(failed).Item1);
        Assert.Equal("Memory dump to pvc data failed: no room", VmiProjection.Wanted(vmi, failed, Now).Status!.VolumeStatus!.Single().Message);
        var done = dumping.Observe(Dumping(3, revision, new MemoryDumpObservation("data", "f.memory.dump", Now, Now.AddSeconds(1))));
        Assert.Equal(("MemoryDumpVolumeCompleted", "VolumeReady"), Phase(done));
        Assert.Equal(Now.AddSeconds(1), Dump(done).EndTimestamp);
        Assert.Empty(Effects<VmiEffect.Tell>(done));

        static DomainMemoryDumpInfo Dump(VmiState state) => VmiProjection.Wanted(state.Vmi!, state, Now).Status!.VolumeStatus!.Single().MemoryDumpVolume!;
    }

    [Fact]
    public void A_utility_volume_comes_to_the_launcher_as_a_folder_without_a_disk_and_goes_when_the_spec_no_longer_has_it()
    {
        var vmi = Vmi() with { Spec = Vmi().Spec! with { UtilityVolumes = [new UtilityVolume { Name = "data", ClaimName = "claim" }] } };
        Assert.Contains("claim", VolumeSources.All(vmi));
        Assert.Empty(VmiDefaults.Apply(vmi).Spec!.Domain!.Devices!.Disks!);
        var seen = Running(Vmi()).Observe(new VmiObserved("uid", vmi)).Observe(new ClaimObserved("uid", Claim()));
        Assert.Equal("data", Assert.Single(Effects<VmiEffect.CreateAttachment>(seen)).Volume);
        var attached = seen.Observe(new AttachmentObserved("uid", Pod(isReady: true)));
        var update = Order(attached)!;
        Assert.Equal(PluggedVolumeKind.Folder, Assert.Single(update.Volumes).Kind);
        Assert.Equal("AttachedToNode", Phase(attached).Item1);

        var mounted = attached.Observe(Report(2, update.Revision) with { Mounted = ["data"] });
        Assert.Equal(("MountedToPod", "VolumeMountedToPod"), Phase(mounted));
        Assert.Null(Order(mounted));
        var shown = VmiProjection.Wanted(vmi, mounted, Now);

        var without = mounted.Observe(new VmiObserved("uid", shown with { Spec = vmi.Spec with { UtilityVolumes = null } }));
        Assert.Empty(Order(without)!.Volumes);
        Assert.Equal("Detaching", Phase(without).Item1);
        var unmounted = without.Observe(Report(3, Order(without)!.Revision));
        Assert.Equal(Attachment, Assert.Single(Effects<VmiEffect.DeleteAttachment>(unmounted)).Name);
    }

    [Fact]
    public void A_block_claim_is_no_folder_for_a_utility_volume()
    {
        var vmi = Vmi() with { Spec = Vmi().Spec! with { UtilityVolumes = [new UtilityVolume { Name = "data", ClaimName = "claim" }] } };
        var seen = Running(Vmi()).Observe(new VmiObserved("uid", vmi)).Observe(new ClaimObserved("uid", Claim() with { IsBlock = true }));
        Assert.Empty(Effects<VmiEffect.CreateAttachment>(seen));
        Assert.Equal(("Pending", "PVCNotReady"), Phase(seen));
        Assert.Equal("Utility volume PVC claim must be filesystem mode, not block mode", VmiProjection.Wanted(vmi, seen, Now).Status!.VolumeStatus!.Single().Message);
    }

    private static DomainReported Dumping(long sequence, string? revision, MemoryDumpObservation dump, DomainState state = DomainState.Running)
    {
        var report = Report(sequence, revision);
        return report with { Mounted = ["data"], Domain = report.Domain with { State = state, MemoryDump = dump } };
    }

    private static (string?, string?) Phase(VmiState state)
    {
        var status = VmiProjection.Wanted(state.Vmi!, state, Now).Status!.VolumeStatus!.Single();
        return (status.Phase, status.Reason);
    }

    private static UpdateDomain? Order(VmiState state) => Effects<VmiEffect.Tell>(state).Select(t => t.Message).OfType<UpdateDomain>().SingleOrDefault();

    private static IReadOnlyList<T> Effects<T>(VmiState state) => [.. Settle(state).Effects.OfType<T>()];

    private static VmiState Running(VirtualMachineInstance vmi)
    {
        var scheduled = Settle(Settle(Seen(vmi)).State.Observe(new PodObserved("uid", new PodObservation(
            "virt-launcher-demo-abcde", "pod-uid", "node-1", "Running", true, false, ["10.0.0.5"], "Burstable", null, null, null, null, null, "image",
            new PodConditionObservation("True", null, null, null)))));
        var revision = Assert.IsType<RunDomain>(Assert.Single(scheduled.Effects.OfType<VmiEffect.Tell>()).Message).Revision;
        return Settle(scheduled.State.Observe(Report(1, revision))).State;
    }

    private static VmiState Seen(VirtualMachineInstance vmi) => new VmiState("uid").Observe(new VmiObserved("uid", vmi));

    private static (VmiState State, IReadOnlyList<VmiEffect> Effects) Settle(VmiState state) => state.Settle(Now, "abcde");

    private static DomainReported Report(long sequence, string? revision, params string[] volumes) => new("uid", "node-1", 1, "agent", sequence, LauncherPresence.Connected,
        new DomainObservation { Epoch = 1, Sequence = sequence, State = DomainState.Running, Reason = DomainReason.Booted, Revision = revision, Volumes = [.. volumes.Select(v => new VolumeObservation(v, "sda", 1 << 20))] });

    private static ClaimObservation Claim(bool isPopulated = true) => new("claim", "Bound", IsBlock: false, ["ReadWriteOnce"], 64 << 20, 64 << 20, IsPreallocated: false, isPopulated);

    private static AttachmentObservation Pod(bool isReady) => new(Attachment, "hp-uid", "data", "pod-uid", isReady, IsDeleting: false);

    private static Volume Plugged() => new() { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "claim", Hotpluggable = true } };

    private static VirtualMachineInstance With(VirtualMachineInstance vmi, Volume volume) => vmi with { Spec = vmi.Spec! with { Volumes = [volume] } };

    private static VirtualMachineInstance Vmi() => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid", ResourceVersion = "7" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") }, Devices = new Devices() } },
    };
}
