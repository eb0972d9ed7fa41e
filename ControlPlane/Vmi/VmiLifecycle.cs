using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using static Troupe.Messages.Api.KubeVirt.Vocabulary.VmiPhases;

namespace Troupe.ControlPlane.Vmi;

public sealed record Decision(IReadOnlyList<IVmiEvent> Events, IReadOnlyList<VmiEffect> Effects)
{
    public static Decision Nothing { get; } = new([], []);
}

/// <summary>
/// The lifecycle of a VMI, as a pure function of what is known. It is asked again after every message, every journaled event and
/// every timer, and answers with the next step only; asking twice gives the same answer.
/// </summary>
public static class VmiLifecycle
{
    /// <summary>KubeVirt's default of `spec.terminationGracePeriodSeconds`.</summary>
    public const long DefaultGracePeriodSeconds = 30;

    /// <summary>How long an answer of a node is waited for before the command is repeated.</summary>
    public static readonly TimeSpan CommandRetry = TimeSpan.FromSeconds(2);

    /// <summary>How long the feed may take to bring a pod that was made; one that was deleted before it was seen is made again.</summary>
    public static readonly TimeSpan FeedPatience = TimeSpan.FromSeconds(30);

    /// <summary>How long a pod on its node may take to start before it is asked why it does not, and again after that.</summary>
    public static readonly TimeSpan PodPatience = TimeSpan.FromSeconds(5);

    /// <summary>A node that has not ended a guest this long after its deadline is passed over: the pod is deleted, and kubelet kills what is in it.</summary>
    public static readonly TimeSpan StopOverrun = TimeSpan.FromSeconds(30);

    /// <param name="podSuffix">Five characters for the pod's name, should one be needed now.</param>
    public static Decision Decide(VmiState state, DateTimeOffset now, string podSuffix)
    {
        if (state.Retired)
            return new Decision([], [new VmiEffect.Retire()]);
        // Nothing is decided about a VMI before its object is known: after a restart the feed brings it within moments. One that is
        // gone already was removed by force; Kubernetes' garbage collector takes the pod with it.
        if (state.Vmi is not { } vmi)
            return state.ObjectGone ? new Decision([new VmiRetired(now)], []) : Decision.Nothing;
        var decision = state.Phase switch
        {
            null => Begin(state, vmi, now, podSuffix),
            Pending or Scheduling => AwaitPod(state, vmi, now),
            Scheduled or Running => Guard(state, vmi, now, podSuffix),
            _ => CleanUp(state, now),
        };
        if (!state.IsFinal && decision.Events.Count == 0)
            decision = decision with { Effects = [.. decision.Effects, .. NetworkInfo(state, vmi, state.Pod), .. NetworkInfo(state, vmi, state.Moving.TargetPod)] };
        // Who runs the guest is settled; the other end is released beside whatever else happens.
        return state.Moving.Ongoing is { IsSettled: true } && decision.Events.Count == 0 && MigrationConduct.Decide(state, vmi, now) is var moving
            ? new Decision(moving.Events, [.. decision.Effects, .. moving.Effects])
            : decision;
    }

    private static Decision Begin(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now, string podSuffix)
    {
        if (state.IsDeleting)
            return Enter(Failed, now, "Deleted", "deleted before a pod existed");
        // A VMI that already ended belongs to an earlier journal (a lost database): its guest must not start again.
        if (vmi.Status?.Phase is Succeeded or Failed)
            return Enter(vmi.Status.Phase, now, vmi.Status.Reason, null);
        if (VmiValidation.Problem(vmi) is { } problem)
            return Enter(Failed, now, "InvalidSpec", problem, new VmiEffect.Announce("Warning", "InvalidSpec", problem));
        return new Decision([new PodNamed(LauncherPod.LauncherPodRenderer.PodName(vmi, podSuffix), now), new PhaseEntered(Pending, null, null, now)], []);
    }

    private static Decision AwaitPod(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now)
    {
        if (state.IsDeleting)
            return Enter(Failed, now, null, null);
        if (state.Pod is not { } pod)
        {
            if (state.PodIsGone)
                return Enter(Failed, now, "PodDeleted", $"pod {state.PodName} vanished before the guest ran");
            // A pod that was seen once is never made again: the feed brings it, or tells that it is gone.
            return state.Phase == Scheduling
                ? Decision.Nothing
                : !state.Storage.IsReady(vmi) ? AwaitClaims(state, vmi)
                : state.Settings.Problem(vmi) is { } problem ? AwaitSettings(vmi, problem)
                : state.PodMadeAt + FeedPatience - now is { Ticks: > 0 } wait ? new Decision([], [new VmiEffect.LookAgain(wait)])
                : new Decision([], [new VmiEffect.CreatePod(state.PodName!), new VmiEffect.LookAgain(CommandRetry)]);
        }

        if (pod.Phase is "Failed" or "Succeeded" || pod.Deleting)
            return Enter(Failed, now, "PodFailed", pod.TerminatedMessage ?? $"pod {pod.Name} ended before the guest ran");
        if (state.Phase == Pending)
            return Enter(Scheduling, now);
        if (!pod.Ready || pod.Node is not { } node)
            return pod.Node is null ? Decision.Nothing : AwaitContainers(state, pod, now);
        return new Decision([new RightGranted(1, node, pod.Uid, now), new PhaseEntered(Scheduled, null, null, now)], []);
    }

    /// <summary>Containers start within moments as a rule; when they do not, kubelet has said why.</summary>
    private static Decision AwaitContainers(VmiState state, PodObservation pod, DateTimeOffset now)
    {
        var waited = now - (pod.Scheduled?.LastTransitionTime ?? state.Transitions[^1].At);
        return waited < PodPatience
            ? new Decision([], [new VmiEffect.LookAgain(PodPatience)])
            : new Decision([], [new VmiEffect.AskForTrouble(pod.Uid), new VmiEffect.LookAgain(PodPatience)]);
    }

    /// <summary>Told once: the condition, when it is written, remembers it.</summary>
    private static Decision AwaitClaims(VmiState state, VirtualMachineInstance vmi) =>
        state.Storage.LacksState(vmi) ? new Decision([], [new VmiEffect.CreateStateClaim(StateVolume.ClaimName(vmi)), new VmiEffect.LookAgain(CommandRetry)])
        : state.Storage.Missing(vmi) is var (reason, message) && vmi.Status?.Conditions?.Any(c => c.Message == message) is not true
            ? new Decision([], [new VmiEffect.Announce("Warning", reason, message)])
            : Decision.Nothing;

    /// <summary>Told once, too. The settings may have it any time.</summary>
    private static Decision AwaitSettings(VirtualMachineInstance vmi, string problem) => new([],
        vmi.Status?.Conditions?.Any(c => c.Message == problem) is true ? [new VmiEffect.LookAgain(CommandRetry)] : [new VmiEffect.Announce("Warning", "FailedCreate", problem), new VmiEffect.LookAgain(CommandRetry)]);

    /// <summary>Told again until the pod shows it.</summary>
    private static IEnumerable<VmiEffect> NetworkInfo(VmiState state, VirtualMachineInstance vmi, PodObservation? pod) =>
        pod is { Deleting: false, NetworkStatus: { } status } && LauncherPod.NetworkInfo.Of(vmi, state.Settings, status) is { } info && info != pod.NetworkInfo
            ? [new VmiEffect.TellNetworkInfo(pod.Name, pod.Uid, info)]
            : [];

    /// <summary>A node has the right to run the guest: keep to it, follow what it reports, or end it.</summary>
    private static Decision Guard(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now, string podSuffix)
    {
        var right = state.Right!;
        // Nobody judges the guest by one of its ends while it is on its way between them.
        if (state.Moving.Ongoing is { IsSettled: false })
            return MigrationConduct.Decide(state, vmi, now);
        if (DomainVerdict.Of(state, vmi) is { } end)
            return Enter(end.Phase, now, end.Reason, end.Message, end.Announcement);
        if (state.IsDeleting)
            return Stop(state, vmi, right, now);
        if (state.Domain is { State: DomainState.Running or DomainState.Blocked or DomainState.Paused or DomainState.PmSuspended } && state.Phase == Scheduled)
        {
            return Enter(Running, now, null, null,
                new VmiEffect.Announce("Normal", "Created", "VirtualMachineInstance defined."),
                new VmiEffect.Announce("Normal", "Started", "VirtualMachineInstance started."));
        }

        if (state.Phase == Running)
        {
            if (state.Report is null)
                return Ask(new QueryDomain(right.Node, state.Uid, right.Epoch));
            return MigrationConduct.Accept(state, vmi, now, podSuffix)
                ?? new Decision([], [.. MovedAgent.Effects(state, now), .. Gate(state), .. EvictionMark.Effects(state), .. Descheduling.Effects(state), .. CompletedPods.Effects(state), .. GuestNics.Effects(state, vmi), .. NetworkMove.Effects(state, vmi, now), .. Hotplug.Effects(state, GuestClaims.AsItIs(state, vmi))]);
        }

        // Written down before the guest has it, so that it never has another one.
        if (ContextIds.IsWanted(vmi) && vmi.Status?.VSOCKCID is null)
            return new Decision([], state.ContextId is null ? [new VmiEffect.AskForContextId(), new VmiEffect.LookAgain(CommandRetry)] : []);

        // Until the node says otherwise the guest is to be started; the command is idempotent there.
        return Ask(Orders.Run(state, vmi));
    }

    /// <summary>The pod's readiness gate says whether the guest runs; set again until the pod shows it.</summary>
    private static IReadOnlyList<VmiEffect> Gate(VmiState state)
    {
        // The pod of a guest that has just moved gets it with the network's mark.
        if (state.Moving.Ongoing is { Step: MigrationStep.HandedOver } migration && state.Moving.AddressesLed != migration.Id)
            return [];
        var unpaused = state.Domain!.State is not DomainState.Paused;
        return state.Pod is { Deleting: false } pod && pod.Unpaused?.Status != (unpaused ? "True" : "False")
            ? [new VmiEffect.MarkUnpaused(pod.Name, pod.Uid, unpaused)]
            : [];
    }

    private static Decision Stop(VmiState state, VirtualMachineInstance vmi, Right right, DateTimeOffset now)
    {
        if (state.StopDeadline is not { } deadline)
        {
            var grace = TimeSpan.FromSeconds(vmi.Spec?.TerminationGracePeriodSeconds ?? DefaultGracePeriodSeconds);
            return new Decision([new StopRequested((vmi.Metadata.DeletionTimestamp ?? now) + grace, now)],
                [new VmiEffect.Announce("Normal", "Deleted", "Signaled Deletion"), new VmiEffect.Announce("Normal", "ShuttingDown", "Signaled Graceful Shutdown")]);
        }

        if (now > deadline + StopOverrun)
            return new Decision([], [new VmiEffect.DeletePod(state.PodName!, state.Pod?.Uid, Force: false), new VmiEffect.LookAgain(CommandRetry)]);
        return Ask(new StopDomain(right.Node, state.Uid, right.Epoch, deadline));
    }

    private static Decision CleanUp(VmiState state, DateTimeOffset now)
    {
        List<IVmiEvent> events = [];
        List<VmiEffect> effects = [];
        var podLeft = state.PodName is not null && !state.PodIsGone;
        if (state.Right is { } right && !state.Released)
        {
            if (podLeft)
                effects.AddRange([new VmiEffect.Tell(new ReleaseDomain(right.Node, state.Uid, right.Epoch)), new VmiEffect.LookAgain(CommandRetry)]);
            else
                events.Add(new DomainReleased(now));
        }

        if (state.IsDeleting && podLeft)
            effects.AddRange([new VmiEffect.DeletePod(state.PodName!, state.Pod?.Uid, Force: false), new VmiEffect.LookAgain(CommandRetry)]);
        if (state.ObjectGone && !podLeft && state.Moving.Ongoing is null)
            events.Add(new VmiRetired(now));
        return new Decision(events, effects);
    }

    /// <summary>The finalizer stays until nothing of the guest is left.</summary>
    public static bool KeepsFinalizer(VmiState state) => !(state is { IsFinal: true, IsDeleting: true, Moving.Ongoing: null } && (state.PodName is null || state.PodIsGone));

    private static Decision Enter(string phase, DateTimeOffset now, string? reason = null, string? message = null, params VmiEffect[] effects) =>
        new([new PhaseEntered(phase, reason, message, now)], effects);

    private static Decision Ask(INodeMessage command) => new([], [new VmiEffect.Tell(command), new VmiEffect.LookAgain(CommandRetry)]);
}
