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

/// <summary>What becomes of a guest's volumes while it moves: plugged ones come along, and claims may be exchanged on the way.</summary>
public sealed class VolumesOnTheMoveTests
{
    private const long MiB = 1 << 20;
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 10, 0, 0, TimeSpan.Zero);
    private static readonly MigrateVmi Wish = new("uid", "m1", "move", [], new MigrationOptions(0, 0, false, 0, false, true), null, Cancel: false);
    private VmiState _state = new("uid");
    private IReadOnlyList<VmiEffect> _effects = [];
    private long _sequence = 10;

    [Fact]
    public void A_plugged_volume_is_on_the_targets_node_before_its_launcher_is_told()
    {
        Run(Volume("data", "shared", hotpluggable: true), Claim("shared", "ReadWriteMany"));
        Show();
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        var attach = Assert.Single(_effects.OfType<VmiEffect.CreateAttachment>());
        Assert.Equal(("data", new LauncherOnNode("virt-launcher-demo-fghij", "target-uid", "node-2")), (attach.Volume, attach.Launcher));
        Assert.Empty(Commands<PrepareTarget>());

        Tell(new AttachmentObserved("uid", new AttachmentObservation(attach.Name, "hp-target", "data", "target-uid", IsReady: false, IsDeleting: false)));
        Assert.DoesNotContain(_effects, e => e is VmiEffect.CreateAttachment or VmiEffect.Tell { Message: PrepareTarget });
        Tell(new AttachmentObserved("uid", new AttachmentObservation(attach.Name, "hp-target", "data", "target-uid", IsReady: true, IsDeleting: false)));
        Assert.Equal(new PluggedVolume("data", "hp-target", PluggedVolumeKind.Image), Assert.Single(Assert.Single(Commands<PrepareTarget>()).Volumes));

        TargetIs(TargetStage.Ready);
        Assert.True(Assert.Single(Commands<StartMigration>()).Options.AllowUnsafe);
        Arrive();
        Assert.Equal("hp-target", Assert.Single(Assert.Single(Commands<UpdateDomain>()).Volumes).AttachmentPodUid);
        Assert.Equal("hp-target", _state.Vmi!.Status!.MigrationState!.TargetAttachmentPodUID);
    }

    [Fact]
    public void A_volume_that_is_being_pulled_out_comes_along_as_long_as_the_guest_has_it()
    {
        Run(Volume("data", "shared", hotpluggable: true), Claim("shared", "ReadWriteMany"));
        Show();
        Tell(new VmiObserved("uid", _state.Vmi! with { Spec = _state.Vmi.Spec! with { Volumes = [] } }));
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        Assert.Equal("shared", Assert.Single(_effects.OfType<VmiEffect.CreateAttachment>()).Source.PersistentVolumeClaim!.ClaimName);
    }

    [Fact]
    public void An_attachment_pod_of_the_target_that_ends_fails_the_migration()
    {
        Run(Volume("data", "shared", hotpluggable: true), Claim("shared", "ReadWriteMany"));
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        Tell(new AttachmentObserved("uid", new AttachmentObservation("hp", "hp-target", "data", "target-uid", IsReady: false, IsDeleting: false, IsOver: true)));
        Assert.Equal("Migration failed because target attachment pod shutdown during migration", MigrationPhases.News(_state, "m1").Message);
    }

    [Theory]
    [InlineData("ReadWriteOnce", "False", "cannot migrate VMI: PVC only-here is not shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)")]
    [InlineData("ReadWriteMany", "True", null)]
    public void A_plugged_volume_that_only_one_node_may_have_keeps_its_guest_from_moving(string mode, string status, string? message)
    {
        Run(Volume("data", "only-here", hotpluggable: true), Claim("only-here", mode));
        Show();
        Show();
        Assert.Equal((status, message), (Condition("LiveMigratable")?.Status, Condition("LiveMigratable")?.Message));
        Assert.Equal("True", Condition("StorageLiveMigratable")?.Status);
    }

    [Fact]
    public void All_reasons_are_named_and_the_claim_of_the_guests_own_state_is_none()
    {
        var vmi = Vmi() with { Spec = Vmi().Spec! with { Volumes = [Volume("data", "only-here", hotpluggable: false)], Domain = Vmi().Spec!.Domain! with { Devices = new Devices { Tpm = new TPMDevice { Persistent = true }, HostDevices = [new HostDevice { Name = "h", DeviceName = "d" }] } } } };
        Run(vmi, "data", Claim("only-here", "ReadWriteOnce"));
        Show();
        Show();
        Assert.Equal(
            "VMI specifies non-migratable generic PCI host device, DisksNotLiveMigratable: cannot migrate VMI: PVC only-here is not shared, live migration requires that all PVCs must be shared (using ReadWriteMany access mode)",
            Condition("LiveMigratable")?.Message);
        Assert.Equal(("False", "NotMigratable", "HostDeviceNotLiveMigratable: VMI specifies non-migratable generic PCI host device"), Condition("StorageLiveMigratable"));
    }

    [Fact]
    public void A_volume_whose_claim_is_exchanged_is_copied_and_the_guest_has_the_new_claim_when_it_has_arrived()
    {
        Exchange();
        Assert.Equal(("True", null, "migrate volumes"), Condition("VolumesChange"));
        Assert.Equal("True", Condition("LiveMigratable")?.Status);
        Assert.Equal("BlockMigration", _state.Vmi!.Status!.MigrationMethod);
        Assert.Equal(("old", "new"), Migrated());
        Assert.Equal("old", ShownClaim());
        // The guest where it is now has nothing to do with the new claim.
        Assert.Empty(Commands<UpdateDomain>());

        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        var prepare = Assert.Single(Commands<PrepareTarget>());
        Assert.Equal(new CopiedVolume("root", 60 * MiB, IsBlock: true, IsPlugged: false), Assert.Single(prepare.Copies));
        Assert.Equal("new", prepare.Vmi.Spec!.Volumes!.Single().PersistentVolumeClaim!.ClaimName);
        TargetIs(TargetStage.Ready);
        Assert.Equal("root", Assert.Single(Assert.Single(Commands<StartMigration>()).Copies).Name);
        Assert.Equal("old", ShownClaim());

        SourceIs(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        Show();
        Assert.Equal(("new", "True"), (ShownClaim(), Condition("VolumesChange")?.Status));
        Arrive();
        Assert.Null(_state.Vmi!.Status!.MigratedVolumes);
        Assert.Null(Condition("VolumesChange"));
        Assert.Equal("new", ShownClaim());
        Show();
        Assert.Equal("new", ShownClaim());
    }

    [Fact]
    public void A_failed_attempt_leaves_the_guest_with_the_claim_that_it_has_and_the_change_is_still_wanted()
    {
        Exchange();
        Start();
        SourceIs(SourceStage.Kept);
        Show();
        Assert.Equal(("old", "old", "True"), (ShownClaim(), Migrated().Item1, Condition("VolumesChange")?.Status));
    }

    [Fact]
    public void Putting_the_old_claim_back_ends_the_attempt_and_leaves_nothing()
    {
        Exchange();
        Start();
        PutBack();
        Assert.Single(Commands<AbortMigration>());
        SourceIs(SourceStage.Kept);
        Show();
        Assert.Equal("Migration failed due to being canceled: the change of volumes was taken back", MigrationPhases.News(_state, "m1").Message);
        Assert.Equal(("False", "VolumesChangeCancellation"), (Condition("VolumesChange")?.Status, Condition("VolumesChange")?.Reason));
        Assert.Null(_state.Vmi!.Status!.MigratedVolumes);
        Show();
        Assert.Equal(("False", "old"), (Condition("VolumesChange")?.Status, ShownClaim()));
    }

    [Fact]
    public void When_that_comes_too_late_the_guest_is_to_move_back()
    {
        Exchange();
        Start();
        PutBack();
        Arrive();
        Assert.Equal(("new", "old"), Migrated());
        Assert.Equal(("True", "new"), (Condition("VolumesChange")?.Status, ShownClaim()));
        Assert.Equal("new", Assert.Single(Commands<UpdateDomain>()).Vmi.Spec!.Volumes!.Single().PersistentVolumeClaim!.ClaimName);
    }

    [Fact]
    public void A_claim_that_is_too_small_or_not_there_yet_is_found_before_anything_is_made_at_the_target()
    {
        Exchange(destination: null);
        Tell(Wish);
        Assert.Empty(_effects.OfType<VmiEffect.CreateTargetPod>());
        Tell(new ClaimObserved("uid", Claim("new", "ReadWriteOnce") with { CapacityBytes = 32 * MiB }));
        Assert.Equal(
            $"Volume migration cannot be performed because the destination volume is smaller than the source volume: volume root has {60 * MiB} bytes, and PVC new {32 * MiB}",
            MigrationPhases.News(_state, "m1").Message);
    }

    private void Exchange() => Exchange(Claim("new", "ReadWriteOnce") with { IsBlock = true });

    /// <param name="destination">Null: it is not there.</param>
    private void Exchange(ClaimObservation? destination)
    {
        Run(Volume("root", "old", hotpluggable: false), Claim("old", "ReadWriteOnce"));
        Show();
        Tell(new VmiObserved("uid", Vmi() with
        {
            Spec = Vmi().Spec! with { Volumes = [Volume("root", "new", hotpluggable: false)] },
            Status = _state.Vmi!.Status! with
            {
                MigratedVolumes = [new StorageMigratedVolumeInfo { VolumeName = "root", SourcePVCInfo = new PersistentVolumeClaimInfo { ClaimName = "old" }, DestinationPVCInfo = new PersistentVolumeClaimInfo { ClaimName = "new" } }],
            },
        }));
        if (destination is not null)
            Tell(new ClaimObserved("uid", destination));
        Show();
        Show();
    }

    private void PutBack()
    {
        Tell(new VmiObserved("uid", _state.Vmi! with { Spec = _state.Vmi.Spec! with { Volumes = [Volume("root", "old", hotpluggable: false)] } }));
        Show();
    }

    private void Start()
    {
        Tell(Wish);
        Tell(new PodObserved("uid", TargetPod()));
        TargetIs(TargetStage.Ready);
        SourceIs(SourceStage.Migrating);
    }

    private void Arrive()
    {
        SourceIs(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TargetIs(TargetStage.Running, DomainState.Running);
        Show();
        Tell(new AddressesLed("uid", "m1"));
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Assert.Null(_state.Moving.Ongoing);
    }

    private void Run(Volume volume, ClaimObservation claim) => Run(Vmi() with { Spec = Vmi().Spec! with { Volumes = [volume] } }, volume.Name!, claim);

    private void Run(VirtualMachineInstance vmi, string volume, ClaimObservation claim)
    {
        _state = new VmiState("uid")
        {
            PodName = "virt-launcher-demo-abcde",
            Phase = VmiPhases.Running,
            Right = new Right(1, "node-1", "pod-uid"),
            Vmi = vmi,
            Pod = Pod("virt-launcher-demo-abcde", "pod-uid", "node-1"),
        };
        var hotplugged = vmi.Spec!.Volumes?.Any(v => v.PersistentVolumeClaim?.Hotpluggable is true) is true;
        var seen = Report("node-1", 1, null) with { Mounted = hotplugged ? [volume] : [] };
        _state = _state.Observe(seen).Observe(new ClaimObserved("uid", claim));
        if (hotplugged)
            _state = _state.Observe(new AttachmentObserved("uid", new AttachmentObservation("hp-source", "hp-source", volume, "pod-uid", IsReady: true, IsDeleting: false)));
        // All that the spec says is carried out.
        var revision = VmiLifecycle.Decide(_state, Now, "fghij").Effects.OfType<VmiEffect.Tell>().Select(t => t.Message).OfType<UpdateDomain>().Single().Revision;
        Tell(Report("node-1", 1, null) with { Mounted = seen.Mounted, Domain = seen.Domain with { Revision = _revision = revision } });
    }

    private string? _revision;

    private (string?, string?) Migrated() => _state.Vmi!.Status!.MigratedVolumes!.Single() is var m ? (m.SourcePVCInfo!.ClaimName, m.DestinationPVCInfo!.ClaimName) : default;

    private string? ShownClaim() => _state.Vmi!.Status!.VolumeStatus!.Single().PersistentVolumeClaimInfo?.ClaimName;

    private (string? Status, string? Reason, string? Message)? Condition(string type) =>
        _state.Vmi!.Status!.Conditions!.FirstOrDefault(c => c.Type == type) is { } c ? (c.Status, c.Reason, c.Message) : null;

    private IReadOnlyList<T> Commands<T>() where T : INodeMessage => [.. _effects.OfType<VmiEffect.Tell>().Select(t => t.Message).OfType<T>()];

    /// <summary>The VMI object is written, and the feed brings it.</summary>
    private void Show() => Tell(new VmiObserved("uid", VmiProjection.Wanted(_state.Vmi!, _state, Now)));

    private void Tell(IVmiMessage message) => (_state, _effects) = _state.Observe(message).Settle(Now, "fghij");

    private void TargetIs(TargetStage stage, DomainState domain = DomainState.NoDomain) =>
        Tell(Report("node-2", 2, new MigrationObservation("m1", 2, SourceStage.None, stage) { Endpoint = new MigrationEndpoint("10.1.2.9", 4711, "certificate") }, domain));

    private void SourceIs(SourceStage stage, DomainState domain = DomainState.Running, DomainReason reason = DomainReason.Booted) =>
        Tell(Report("node-1", 1, new MigrationObservation("m1", 2, stage, TargetStage.None), domain, reason));

    private DomainReported Report(string node, long epoch, MigrationObservation? migration, DomainState domain = DomainState.Running, DomainReason reason = DomainReason.Booted)
    {
        var name = _state.Vmi?.Spec?.Volumes is [var volume] ? volume.Name : _state.Vmi?.Status?.VolumeStatus is [var shown] ? shown.Name : null;
        var isPlugged = _state.Vmi?.Spec?.Volumes is [{ PersistentVolumeClaim.Hotpluggable: true }];
        return new DomainReported("uid", node, epoch, "agent", _sequence++, LauncherPresence.Connected, new DomainObservation
        {
            Epoch = epoch,
            State = domain,
            Reason = reason,
            Migration = migration,
            Certificate = "certificate",
            Revision = node == "node-1" ? _revision : null,
            Volumes = name is null ? [] : [new VolumeObservation(name, "vda", 60 * MiB)],
        })
        { Mounted = isPlugged ? [name!] : [] };
    }

    private static Volume Volume(string name, string claim, bool hotpluggable) =>
        new() { Name = name, PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = claim, Hotpluggable = hotpluggable ? true : null } };

    private static ClaimObservation Claim(string name, string mode) => new(name, "Bound", IsBlock: false, [mode], 64 * MiB, 64 * MiB, IsPreallocated: false, IsPopulated: true);

    private static VirtualMachineInstance Vmi() => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") } } },
    };

    private static PodObservation Pod(string name, string uid, string node) => new(
        name, uid, node, "Running", Ready: true, Deleting: false, ["10.1.1.5"], null, null, null, null, null, null, null, new PodConditionObservation("True", null, null, null));

    private static PodObservation TargetPod() => Pod("virt-launcher-demo-fghij", "target-uid", "node-2");
}
