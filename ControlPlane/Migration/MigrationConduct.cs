using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Migration;

/// <summary>The conductor's place in the VMI's lifecycle: takes wishes, and turns what the conductor decides into the VmiActor's effects.</summary>
internal static class MigrationConduct
{
    private const double GiB = 1L << 30;
    private static readonly TimeSpan AfterTheSource = TimeSpan.FromMinutes(1);

    /// <summary>The event that takes a wish up; null when there is none, or none that can be taken up now.</summary>
    public static Decision? Accept(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now, string podSuffix)
    {
        // After a restart the pod is known a moment later than the wish, and the addresses that are to follow the guest are the pod's.
        if (state is not { Pod: not null, Moving: { Ongoing: null, Wish: { Cancel: false } wish } } || state.Moving.Past.Any(p => p.Id == wish.MigrationId) || !StorageMigration.CanBegin(state, vmi) || !StateVolume.IsKnown(state, vmi))
            return null;
        var epoch = Math.Max(state.Right!.Epoch, state.Moving.HighestEpoch) + 1;
        return new Decision([new MigrationAccepted(wish.MigrationId, wish.Name, LauncherPodRenderer.PodName(vmi, podSuffix), epoch, Kept(state), now) { Claims = StorageMigration.Claims(state, vmi), State = StateVolume.Moving(state, vmi, podSuffix) }],
            [.. wish.Ignored.Select(setting => new VmiEffect.Announce("Warning", "MigrationSettingIgnored", setting))]);
    }

    /// <summary>The first address, which the oldest sessions know, and the latest ones; a guest that moves every hour cannot keep them all.</summary>
    private static string Kept(VmiState state)
    {
        const int Latest = 7;
        var before = state.Moving.Past.LastOrDefault(p => p.Step is MigrationStep.HandedOver)?.KeptAddresses.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];
        var all = before.Union(state.Pod?.Addresses ?? []).ToList();
        return string.Join(',', all.Count <= Latest + 1 ? all : [all[0], .. all.TakeLast(Latest)]);
    }

    public static Decision Decide(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now)
    {
        var migration = state.Moving.Ongoing!;
        var decided = Conductor.Decide(migration, MigrationView.Of(state, migration) with { MayPostCopy = Options(state, vmi).AllowPostCopy }, now, Limits(state, vmi));
        if (decided.Step is { } step)
            return new Decision([step], [.. Announcements(step), .. PostCopyNews(state, vmi, step)]);
        List<VmiEffect> effects = [.. Effects(decided.Actions, state, vmi, migration), .. Questions(state, migration)];
        effects.Add(new VmiEffect.LookAgain(VmiLifecycle.CommandRetry));
        return new Decision([], effects);
    }

    /// <summary>KubeVirt's times; for the copying more than the source itself may take, which is twice its timeout for all there is to copy.</summary>
    private static MigrationLimits Limits(VmiState state, VirtualMachineInstance vmi)
    {
        if (state.Moving.Wish?.Options is not { CompletionTimeoutPerGiB: > 0 and var seconds })
            return MigrationLimits.Default with { Completion = TimeSpan.MaxValue };
        var bytes = GuestSize.MemoryBytes(vmi.Spec?.Domain ?? new DomainSpec()) + (state.Domain?.Volumes ?? []).Sum(v => v.SizeBytes ?? 0);
        return MigrationLimits.Default with { Completion = (2 * TimeSpan.FromSeconds(seconds * Math.Max(1, Math.Ceiling(bytes / GiB)))) + AfterTheSource };
    }

    private static IEnumerable<VmiEffect> Effects(ConductorActions actions, VmiState state, VirtualMachineInstance vmi, OngoingMigration m)
    {
        var right = state.Right!;
        foreach (var action in Enum.GetValues<ConductorActions>().Where(a => a is not ConductorActions.None && actions.HasFlag(a)))
        {
            VmiEffect? effect = action switch
            {
                ConductorActions.CreatePod when StorageMigration.Awaited(state, m) is not null => null,
                ConductorActions.CreatePod when m.State is { AreTwo: true } && state.Moving.StateClaimMade != m.Id => new VmiEffect.CreateStateClaim(m.State.Target, m),
                ConductorActions.CreatePod => new VmiEffect.CreateTargetPod(m.PodName),
                ConductorActions.PrepareTarget => Prepare(state, vmi, m),
                ConductorActions.Start when (m.Claims is null || state.Domain is not null) && MigrationView.OfAttempt(state.Moving.TargetReport, m)?.Endpoint is { } endpoint =>
                    new VmiEffect.Tell(new StartMigration(right.Node, state.Uid, right.Epoch, m.Id, m.TargetEpoch, endpoint, AsJournaled(m, Options(state, vmi))) { Copies = StorageMigration.Copies(state, vmi, m) }),
                ConductorActions.Abort => new VmiEffect.Tell(new AbortMigration(right.Node, state.Uid, right.Epoch, m.Id, m.TargetEpoch)),
                ConductorActions.RefuseTarget => new VmiEffect.Tell(new RefuseMigration(m.TargetNode!, state.Uid, m.TargetEpoch, m.Id)),
                ConductorActions.Adopt => new VmiEffect.Tell(new AdoptDomain(right.Node, state.Uid, right.Epoch, m.Id)),
                ConductorActions.LeadAddresses => new VmiEffect.LeadAddresses(m.PodName, m.TargetPodUid!, m.KeptAddresses, Unpaused: !IsPausedByUser(vmi)),
                ConductorActions.HandOverState => new VmiEffect.SettleState(m, Arrived: true),
                ConductorActions.DropState => new VmiEffect.SettleState(m, Arrived: false),
                ConductorActions.ReleaseSource when state.Moving.Departed is { } departed => new VmiEffect.Tell(new ReleaseDomain(departed.Node, state.Uid, departed.Epoch)),
                ConductorActions.DeleteSourcePod when state.Moving is { Departed: { } departed, DepartedPod: { } name } => new VmiEffect.DeletePod(name, departed.PodUid, Force: false),
                ConductorActions.ReleaseTarget => new VmiEffect.Tell(new ReleaseDomain(m.TargetNode!, state.Uid, m.TargetEpoch)),
                ConductorActions.DeleteTargetPod => new VmiEffect.DeletePod(m.PodName, state.Moving.TargetPod?.Uid, Force: false),
                _ => null,
            };
            if (effect is not null)
                yield return effect;
        }
    }

    /// <summary>The target is told when its node has all that was plugged into the guest; until then a pod is made for what is missing.</summary>
    private static VmiEffect? Prepare(VmiState state, VirtualMachineInstance vmi, OngoingMigration m)
    {
        if (state.Domain is not { Certificate: { } certificate } domain || state.Moving.TargetPod is not { } pod)
            return null;
        var there = StorageMigration.AtTarget(state, vmi, m);
        var (volumes, missing) = Travelling.Of(state, there, m);
        if (volumes is null)
            return missing;
        return new VmiEffect.Tell(new PrepareTarget(m.TargetNode!, state.Uid, m.TargetEpoch, m.Id, m.TargetPodUid!, pod.Addresses, certificate, m.KeptAddresses.Split(',', StringSplitOptions.RemoveEmptyEntries), VmiDefaults.Apply(GuestNics.AsItTravels(state, there)))
        {
            Platform = domain.Platform,
            Paused = domain is { State: DomainState.Paused, Reason: DomainReason.User },
            Network = Options(state, vmi).Network,
            Volumes = volumes,
            Copies = StorageMigration.Copies(state, vmi, m),
            Bindings = state.Settings.BindingsOf(vmi),
        });
    }

    /// <summary>A guest arrives as it left; what the target has to say of it comes a moment later.</summary>
    private static bool IsPausedByUser(VirtualMachineInstance vmi) => vmi.Status?.Conditions?.Any(c => c is { Type: Conditions.Paused, Status: "True", Reason: VmiConditions.PausedByUser }) is true;

    /// <summary>After a restart of this side, the ends are asked where they are.</summary>
    private static IEnumerable<VmiEffect> Questions(VmiState state, OngoingMigration m)
    {
        if (state.Report is null && state.Right is { } right)
            yield return new VmiEffect.Tell(new QueryDomain(right.Node, state.Uid, right.Epoch));
        if (m is { IsInTheSourcesHands: true, TargetNode: { } node } && state.Moving.TargetReport is null)
            yield return new VmiEffect.Tell(new QueryDomain(node, state.Uid, m.TargetEpoch));
    }

    /// <summary>Parallel streams take CPUs, which a guest with a limit on them (or with its own) would have to give.</summary>
    private static MigrationOptions Options(VmiState state, VirtualMachineInstance vmi)
    {
        var options = state.Moving.Wish?.Options ?? new MigrationOptions(0, 0, false, 0, AllowUnsafe: false, CopyDisks: true);
        // Claims that several nodes may write at once are coherent between them, which libvirt cannot see of every file system.
        if (LiveMigratable.DisksAreShared(vmi))
            options = options with { AllowUnsafe = true };
        if (options.AllowPostCopy && PostCopyProblem(state, vmi) is not null)
            options = options with { AllowPostCopy = false };
        return vmi.Spec?.Domain is { Cpu.DedicatedCpuPlacement: true } || vmi.Spec?.Domain?.Resources?.Limits?.ContainsKey("cpu") is true
            ? options with { ParallelChannels = 0 }
            : options;
    }

    /// <summary>What became of the guest's state is judged by whether post-copy was possible.</summary>
    private static MigrationOptions AsJournaled(OngoingMigration m, MigrationOptions options) => options with { AllowPostCopy = options.AllowPostCopy && m.MayPostCopy };

    /// <summary>Why the guest cannot be moved by post-copy, known by the time the target listens; null when it can.</summary>
    private static string? PostCopyProblem(VmiState state, VirtualMachineInstance vmi) =>
        vmi.Spec?.Domain?.Devices?.Interfaces?.Any(i => i.Sriov is not null) is true ? "the guest has devices of its host (SR-IOV)"
        : state.Moving.Ongoing is { } m ? MigrationView.OfAttempt(state.Moving.TargetReport, m)?.PostCopyProblem
        : null;

    private static IEnumerable<VmiEffect> PostCopyNews(VmiState state, VirtualMachineInstance vmi, IMigrationEvent step) =>
        step is MigrationStarted && state.Moving.Wish is { Options.AllowPostCopy: true } && PostCopyProblem(state, vmi) is { } problem
            ? [new VmiEffect.Announce("Warning", "MigrationSettingIgnored", $"allowPostCopy: {problem}; the guest is paused instead where its copy would not end by itself")]
            : [];

    private static IReadOnlyList<VmiEffect> Announcements(IMigrationEvent step) => step switch
    {
        MigrationTargetAssigned assigned => [new VmiEffect.Announce("Normal", "PreparingTarget", $"VirtualMachineInstance Migration Target Prepared on node {assigned.Node}.")],
        MigrationStarted => [new VmiEffect.Announce("Normal", "Migrating", "VirtualMachineInstance is migrating.")],
        RightHandedOver handover => [new VmiEffect.Announce("Normal", "Migrated", $"The VirtualMachineInstance migrated to node {handover.Node}.")],
        MigrationFailed failed => [new VmiEffect.Announce("Warning", "FailedMigration", failed.Message)],
        _ => [],
    };
}
