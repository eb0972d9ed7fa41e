using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Tests.Machines;
using Troupe.ControlPlane.Tests.Vmi;
using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Migration;

/// <summary>The claims of a guest with a persistent TPM, in its life and its migrations.</summary>
public sealed class StateOnTheMoveTests
{
    private const string Old = "persistent-state-for-demo", New = "persistent-state-for-demo-fghij";
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 10, 0, 0, TimeSpan.Zero);
    private static readonly MigrateVmi Wish = new("uid", "m1", "move", [], new MigrationOptions(0, 0, false, 0, false, true), null, Cancel: false);
    private static readonly StateClaims Both = new(Old, New);

    private VmiState _state = new("uid");
    private IReadOnlyList<VmiEffect> _effects = [];
    private long _sequence = 10;

    [Fact]
    public void A_claim_that_only_one_node_may_have_gets_a_second_one_at_the_target_before_the_target_pod_is_made()
    {
        Run(Claim(Old));
        Show();
        Assert.Equal("True", Condition("LiveMigratable"));
        Tell(Wish);
        var create = Assert.Single(_effects.OfType<VmiEffect.CreateStateClaim>());
        Assert.Equal((New, "m1"), (create.Name, create.Migration?.Id));
        Assert.Empty(_effects.OfType<VmiEffect.CreateTargetPod>());
        Tell(new StateClaimMade("uid", "m1"));
        Assert.Single(_effects.OfType<VmiEffect.CreateTargetPod>());
        Show();
        Assert.Equal(Both, ShownClaims());
        Assert.Equal(Old, ShownClaim());

        var pod = LauncherPodRenderer.Render(VmiDefaults.Apply(Vmi()), "pod", new LauncherPodOptions("image", UseEmulation: true), stateClaim: New);
        Assert.Equal(New, pod.Spec!.Volumes!.Single(v => v.Name == StateVolume.Name).PersistentVolumeClaim!.ClaimName);
    }

    [Fact]
    public void A_guest_that_has_arrived_keeps_the_new_claim_alone_and_comes_from_it_the_next_time()
    {
        Move();
        Assert.Equal(new VmiEffect.SettleState(_state.Moving.Ongoing!, Arrived: true), Assert.Single(_effects.OfType<VmiEffect.SettleState>()));
        // The feeds have told nothing of it yet.
        Show();
        Assert.Equal(New, ShownClaim());
        Tell(new AddressesLed("uid", "m1"));
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Assert.NotNull(_state.Moving.Ongoing);
        Tell(new StateClaimSettled("uid", "m1"));
        Assert.Null(_state.Moving.Ongoing);

        Tell(Wish with { MigrationId = "m2" });
        Assert.Equal(New, _state.Moving.Ongoing?.State?.Source);
    }

    [Fact]
    public void The_source_pod_names_the_claim_before_and_so_does_not_stay_when_it_has_ended()
    {
        Move();
        Tell(new AddressesLed("uid", "m1"));
        Tell(new StateClaimSettled("uid", "m1"));
        var ended = _state.Moving.DepartedPodSeen! with { Phase = "Succeeded", ResourceVersion = "7" };
        Tell(new PodObserved("uid", ended));
        Assert.Equal("pod-uid", Assert.Single(_effects.OfType<VmiEffect.DeletePod>()).Uid);
        Tell(new PodObserved("uid", ended with { Deleting = true, ResourceVersion = "8" }));
        Assert.Null(_state.Moving.Ongoing);
    }

    [Fact]
    public void After_a_restart_the_journal_still_knows_both_claims_and_they_are_settled_again()
    {
        Move();
        _state = _state with { Moving = _state.Moving with { StateClaimMade = null, StateClaimSettled = null }, Storage = new VolumeWatch() };
        Tell(new AddressesLed("uid", "m1"));
        Assert.Equal(Both, Assert.Single(_effects.OfType<VmiEffect.SettleState>()).Migration.State);
    }

    [Fact]
    public void A_migration_that_fails_is_over_when_its_claim_is_gone_as_well()
    {
        Run(Claim(Old));
        Tell(Wish);
        Tell(Wish with { Cancel = true });
        Assert.False(Assert.Single(_effects.OfType<VmiEffect.SettleState>()).Arrived);
        Tell(new PodGone("uid", "virt-launcher-demo-fghij", ""));
        Assert.NotNull(_state.Moving.Ongoing);
        Tell(new StateClaimSettled("uid", "m1"));
        Assert.Null(_state.Moving.Ongoing);
        Show();
        Assert.Equal(Old, ShownClaim());
    }

    [Fact]
    public void A_guest_that_is_lost_in_post_copy_leaves_the_claim_that_it_came_from()
    {
        Start();
        SourceIs(SourceStage.Switched);
        TargetIs(TargetStage.Arriving, DomainState.Running);
        // Some of what it wrote is still on its way.
        Assert.Empty(_effects.OfType<VmiEffect.SettleState>());
        TargetIs(TargetStage.Failed, DomainState.Shutoff, DomainReason.Crashed);
        Assert.False(Assert.Single(_effects.OfType<VmiEffect.SettleState>()).Arrived);
        Tell(new PodGone("uid", "virt-launcher-demo-abcde", "pod-uid"));
        Tell(new StateClaimSettled("uid", "m1"));
        Assert.Null(_state.Moving.Ongoing);
        Assert.Equal(Old, StateVolume.Current(_state, Vmi()));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void The_state_of_a_guest_that_ended_with_its_target_before_anything_was_heard_of_it_is_taken_for_whole_unless_it_may_have_come_by_post_copy(bool postCopy, bool arrived)
    {
        Start(postCopy);
        SourceIs(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        Assert.Empty(_effects.OfType<VmiEffect.SettleState>());
        Tell(new PodGone("uid", "virt-launcher-demo-fghij", "target-uid"));
        Assert.Equal(arrived, Assert.Single(_effects.OfType<VmiEffect.SettleState>()).Arrived);
    }

    [Fact]
    public void A_claim_that_several_nodes_may_have_stays_the_guests()
    {
        Run(Claim(Old) with { AccessModes = ["ReadWriteMany"] });
        Tell(Wish);
        Assert.Single(_effects.OfType<VmiEffect.CreateTargetPod>());
        Show();
        Assert.Equal(new StateClaims(Old, Old), ShownClaims());
        Tell(Wish with { Cancel = true });
        Assert.Empty(_effects.OfType<VmiEffect.SettleState>());
    }

    [Fact]
    public void A_migration_begins_when_it_is_known_what_kind_of_claim_the_guest_has()
    {
        Run(null);
        Tell(Wish);
        Assert.Null(_state.Moving.Ongoing);
        Tell(new ClaimObserved("uid", Claim(Old)));
        Assert.Equal(Both, _state.Moving.Ongoing?.State);
    }

    [Fact]
    public void A_machine_that_starts_again_finds_the_claim_that_its_last_migration_brought_by_its_label()
    {
        var watch = Seen(new ClaimGone("uid", Old), new ClaimObserved("uid", Claim("persistent-state-for-demo-xyzzy")));
        Assert.False(watch.LacksState(Vmi()));
        Assert.True(watch.IsReady(Vmi()));
        Assert.Equal("persistent-state-for-demo-xyzzy", watch.StateClaim(Vmi())?.Name);
        Assert.True(Seen(new ClaimGone("uid", Old)).LacksState(Vmi()));
        Assert.False(Seen(new ClaimGone("uid", Old)).IsReady(Vmi()));
        Assert.False(new VolumeWatch().LacksState(Vmi()));
    }

    [Fact]
    public void Of_two_claims_the_younger_one_is_the_guests_and_one_that_is_on_its_way_out_is_none()
    {
        var old = Claim(Old) with { CreatedAt = Now };
        var young = Claim(New) with { CreatedAt = Now.AddMinutes(1) };
        Assert.Equal(New, Seen(new ClaimObserved("uid", old), new ClaimObserved("uid", young)).StateClaim(Vmi())?.Name);
        Assert.Equal(Old, Seen(new ClaimObserved("uid", old), new ClaimObserved("uid", young with { IsDeleting = true })).StateClaim(Vmi())?.Name);
        Assert.Null(Seen(new ClaimObserved("uid", old with { IsDeleting = true })).StateClaim(Vmi()));
        // What a migration has made and not brought yet bears no such label.
        Assert.Equal(Old, Seen(new ClaimObserved("uid", old), new ClaimObserved("uid", young with { StateOf = null })).StateClaim(Vmi())?.Name);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Claims_are_exchanged_from_wherever_an_earlier_try_was_interrupted(int done)
    {
        var api = await WithBoth();
        if (done > 0)
            api.Put(api.Find<PersistentVolumeClaim>(New)! is var made ? made with { Metadata = made.Metadata with { Labels = new Dictionary<string, string> { [StateVolume.OwnerLabel] = "demo" } } } : null!);
        if (done > 1)
            await api.DeleteAsync<PersistentVolumeClaim>("default", Old, ct: TestContext.Current.CancellationToken);
        await Settle(api, arrived: true);
        var left = Assert.Single(api.All<PersistentVolumeClaim>());
        Assert.Equal(New, left.Metadata.Name);
        Assert.Equal([KeyValuePair.Create(StateVolume.OwnerLabel, "demo")], left.Metadata.Labels!.Where(l => l.Key != "cdi.kubevirt.io/applyStorageProfile"));
    }

    [Fact]
    public async Task The_claim_of_a_migration_that_failed_goes_and_never_the_guests_own()
    {
        var api = await WithBoth();
        await Settle(api, arrived: false);
        await Settle(api, arrived: false);
        Assert.Equal(Old, Assert.Single(api.All<PersistentVolumeClaim>()).Metadata.Name);
    }

    [Fact]
    public async Task A_claim_that_the_guest_has_come_to_is_not_taken_away_by_later_news_of_its_end()
    {
        var api = await WithBoth();
        var made = api.Find<PersistentVolumeClaim>(New)!;
        api.Put(made with { Metadata = made.Metadata with { Labels = new Dictionary<string, string> { [StateVolume.OwnerLabel] = "demo" } } });
        await Settle(api, arrived: false);
        Assert.Equal(New, Assert.Single(api.All<PersistentVolumeClaim>()).Metadata.Name);
    }

    [Fact]
    public async Task A_claim_is_kept_when_there_is_none_to_exchange_it_for()
    {
        var api = await WithBoth();
        await api.DeleteAsync<PersistentVolumeClaim>("default", New, ct: TestContext.Current.CancellationToken);
        await Settle(api, arrived: true);
        Assert.Equal(Old, Assert.Single(api.All<PersistentVolumeClaim>()).Metadata.Name);
    }

    [Fact]
    public void A_claim_goes_with_its_machine_or_with_an_instance_that_has_none()
    {
        Assert.Equal(("VirtualMachineInstance", "uid"), Owner(Vmi()));
        Assert.Equal(("VirtualMachine", "vm-uid"), Owner(Vmi() with { Metadata = Vmi().Metadata with { OwnerReferences = [new OwnerReference { ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachine", Name = "demo", Uid = "vm-uid", Controller = true }] } }));

        static (string?, string?) Owner(VirtualMachineInstance vmi) => StateVolume.Claim(vmi, New, null, Single).Metadata.OwnerReferences!.Single() is var o ? (o.Kind, o.Uid) : default;
    }

    [Fact]
    public async Task No_second_claim_is_made_for_a_machine_whose_own_the_feeds_do_not_know_yet()
    {
        var api = new RecordingApi();
        api.Put(StateVolume.Claim(Vmi(), "persistent-state-for-demo-xyzzy", null, Single));
        var first = StateVolume.Claim(Vmi(), Old, null, Single);
        await StateClaimCalls.MakeFirstAsync(api, Vmi(), first, TestContext.Current.CancellationToken);
        Assert.Equal("persistent-state-for-demo-xyzzy", Assert.Single(api.All<PersistentVolumeClaim>()).Metadata.Name);
    }

    [Theory]
    [InlineData(null, null, "ReadWriteOnce")]
    [InlineData("chosen", null, "ReadWriteMany")]
    [InlineData("chosen", "Filesystem:ReadWriteOnce", "ReadWriteOnce")]
    [InlineData("chosen", "Block:ReadWriteOnce", "ReadWriteMany")]
    [InlineData(null, "Block:ReadWriteMany,Filesystem:ReadWriteOnce", "ReadWriteOnce")]
    [InlineData(null, "Filesystem:ReadWriteOnce,Filesystem:ReadWriteMany", "ReadWriteMany")]
    [InlineData(null, "Filesystem:ReadOnlyMany", "ReadWriteOnce")]
    public async Task A_claim_can_be_shared_where_its_class_can_or_where_somebody_chose_a_class_of_which_nothing_is_known(string? chosen, string? profile, string mode)
    {
        var api = new RecordingApi();
        api.Put(Class("usual", "storageclass.kubernetes.io/is-default-class"));
        api.Put(Class("machines", "storageclass.kubevirt.io/is-default-virt-class"));
        var name = chosen ?? "machines";
        if (profile is not null)
        {
            api.Put(new StorageProfile
            {
                Metadata = new ObjectMeta { Name = name },
                Status = new StorageProfileStatus { ClaimPropertySets = [.. profile.Split(',').Select(p => p.Split(':')).Select(p => new ClaimPropertySet { VolumeMode = p[0], AccessModes = [p[1]] })] },
            });
        }

        // Where CDI is not installed nobody says anything either.
        if (profile is null)
            api.NotServed.Add(typeof(StorageProfile));
        var storage = await StateStorage.FindAsync(api, chosen, TestContext.Current.CancellationToken);
        Assert.Equal(new StateStorage(name, mode), storage);
        var claim = StateVolume.Claim(Vmi(), Old, null, storage).Spec!;
        Assert.Equal((name, mode, "Filesystem"), (claim.StorageClassName, claim.AccessModes!.Single(), claim.VolumeMode));

        static StorageClass Class(string name, string annotation) => new() { Metadata = new ObjectMeta { Name = name, Annotations = new Dictionary<string, string> { [annotation] = "true" } } };
    }

    private static StateStorage Single => new(null, "ReadWriteOnce");

    private static async Task<RecordingApi> WithBoth()
    {
        var api = new RecordingApi();
        var migration = new OngoingMigration("m1", "move", "pod", 2, "", Now) { State = Both };
        foreach (var claim in new[] { StateVolume.Claim(Vmi(), Old, null, Single), StateVolume.Claim(Vmi(), New, migration, Single) })
            await StateClaimCalls.MakeAsync(api, claim, TestContext.Current.CancellationToken);
        return api;
    }

    private static Task Settle(RecordingApi api, bool arrived) => StateClaimCalls.SettleAsync(api, Vmi(), Both, arrived, TestContext.Current.CancellationToken);

    private static VolumeWatch Seen(params IVmiMessage[] messages) => messages.Aggregate(new VolumeWatch(), (watch, m) => watch.Observe(m));

    /// <summary>Up to the source's being told.</summary>
    private void Start(bool postCopy = false)
    {
        Run(Claim(Old));
        Tell(Wish with { Options = Wish.Options with { AllowPostCopy = postCopy } });
        Tell(new StateClaimMade("uid", "m1"));
        Tell(new PodObserved("uid", Pod("virt-launcher-demo-fghij", "target-uid", "node-2")));
        TargetIs(TargetStage.Ready);
        SourceIs(SourceStage.Migrating);
    }

    private void Move()
    {
        Start();
        TargetIs(TargetStage.Loaded);
        SourceIs(SourceStage.PassedOn, DomainState.Shutoff, DomainReason.Migrated);
        TargetIs(TargetStage.Running, DomainState.Running);
        Show();
    }

    private void Run(ClaimObservation? claim)
    {
        _state = new VmiState("uid")
        {
            PodName = "virt-launcher-demo-abcde",
            Phase = VmiPhases.Running,
            Right = new Right(1, "node-1", "pod-uid"),
            Vmi = Vmi(),
            Pod = Pod("virt-launcher-demo-abcde", "pod-uid", "node-1"),
        };
        if (claim is not null)
            Tell(new ClaimObserved("uid", claim));
        Tell(Report("node-1", 1, null, DomainState.Running, DomainReason.Booted));
    }

    private string? ShownClaim() => _state.Vmi!.Status!.VolumeStatus!.Single(v => v.Name == "persistent-state-for-this-vm").PersistentVolumeClaimInfo?.ClaimName;

    private StateClaims ShownClaims() => _state.Vmi!.Status!.MigrationState is { SourcePersistentStatePVCName: { } source, TargetPersistentStatePVCName: { } target } ? new(source, target) : new("", "");

    private string? Condition(string type) => _state.Vmi!.Status!.Conditions!.FirstOrDefault(c => c.Type == type)?.Status;

    private void Show() => Tell(new VmiObserved("uid", VmiProjection.Wanted(_state.Vmi!, _state, Now)));

    private void Tell(IVmiMessage message) => (_state, _effects) = _state.Observe(message).Settle(Now, "fghij");

    private void TargetIs(TargetStage stage, DomainState domain = DomainState.NoDomain, DomainReason reason = DomainReason.Unknown) =>
        Tell(Report("node-2", 2, new MigrationObservation("m1", 2, SourceStage.None, stage) { Endpoint = new MigrationEndpoint("10.1.2.9", 4711, "certificate") }, domain, reason));

    private void SourceIs(SourceStage stage, DomainState domain = DomainState.Running, DomainReason reason = DomainReason.Booted) =>
        Tell(Report("node-1", 1, new MigrationObservation("m1", 2, stage, TargetStage.None), domain, reason));

    private DomainReported Report(string node, long epoch, MigrationObservation? migration, DomainState domain, DomainReason reason) =>
        new("uid", node, epoch, "agent", _sequence++, LauncherPresence.Connected, new DomainObservation { Epoch = epoch, State = domain, Reason = reason, Migration = migration, Certificate = "certificate" });

    private static ClaimObservation Claim(string name) => new(name, "Bound", IsBlock: false, ["ReadWriteOnce"], 10 << 20, 10 << 20, IsPreallocated: false, IsPopulated: true) { StateOf = "demo" };

    private static VirtualMachineInstance Vmi() => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid" },
        Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") }, Devices = new Devices { Tpm = new TPMDevice { Persistent = true } } } },
    };

    private static PodObservation Pod(string name, string uid, string node) => new(
        name, uid, node, "Running", Ready: true, Deleting: false, ["10.1.1.5"], null, null, null, null, null, null, null, new PodConditionObservation("True", null, null, null));
}
