using System.Collections.Immutable;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using static Troupe.Messages.Api.KubeVirt.Vocabulary.VmiPhases;

namespace Troupe.ControlPlane.Vmi;

/// <summary>The right to run a guest: on this node, in this pod, under this epoch.</summary>
public sealed record Right(long Epoch, string Node, string PodUid);

public sealed record PhaseTransition(string Phase, DateTimeOffset At);

/// <summary>What a VmiActor knows. The upper half is its journal; the lower half is what it has been told since it started.</summary>
public sealed record VmiState(string Uid)
{
    public string? PodName { get; init; }
    public Right? Right { get; init; }
    public string? Phase { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }
    public DateTimeOffset? StopDeadline { get; init; }
    public bool Released { get; init; }
    public bool Retired { get; init; }
    public ImmutableList<PhaseTransition> Transitions { get; init; } = [];

    /// <summary>Everything about moving the guest to another node.</summary>
    public MigrationWatch Moving { get; init; } = new();

    /// <summary>Image of a launcher that would be started today; null where nobody says.</summary>
    public string? LauncherImage { get; init; }

    /// <summary>The cluster's, as they are now.</summary>
    public LauncherPod.GuestSettings Settings { get; init; } = LauncherPod.GuestSettings.Default;

    public VirtualMachineInstance? Vmi { get; init; }
    public bool ObjectGone { get; init; }
    public PodObservation? Pod { get; init; }

    /// <summary>The pod is gone. A late echo of one that is known to be gone does not bring it back.</summary>
    public bool PodIsGone { get; init; }
    public string? GonePodUid { get; init; }
    public DomainReported? Report { get; init; }
    public DomainRefused? Refusal { get; init; }
    public string? CreateError { get; init; }

    /// <summary>When the API server said that it has the pod; the feed brings it a moment later.</summary>
    public DateTimeOffset? PodMadeAt { get; init; }

    /// <summary>Why the running guest could not be brought after its spec.</summary>
    public DomainRefused? ChangeRefused { get; init; }

    /// <summary>Why the pod's containers do not start, as kubelet says it.</summary>
    public PodTroubled? Trouble { get; init; }

    /// <summary>The VSOCK context id that was given, until the object says it.</summary>
    public long? ContextId { get; init; }

    /// <summary>Claims and attachment pods.</summary>
    public VolumeWatch Storage { get; init; } = new();

    public bool IsFinal => Phase is Succeeded or Failed;

    public bool IsDeleting => ObjectGone || Vmi?.Metadata.DeletionTimestamp is not null;

    public DomainObservation? Domain => Report?.Domain;

    public VmiState Apply(IVmiEvent e) => e switch
    {
        PodNamed named => this with { PodName = named.PodName },
        RightGranted granted => this with { Right = new Right(granted.Epoch, granted.Node, granted.PodUid) },
        PhaseEntered entered => this with
        {
            Phase = entered.Phase,
            Reason = entered.Reason,
            Message = entered.Message,
            Transitions = Transitions.Add(new PhaseTransition(entered.Phase, entered.At)),
        },
        StopRequested stop => this with { StopDeadline = stop.Deadline },
        DomainReleased => this with { Released = true },
        VmiRetired => this with { Retired = true },
        IMigrationEvent migration => Apply(migration),
        _ => throw new ArgumentOutOfRangeException(nameof(e), e, "not an event of this actor"),
    };

    /// <summary>With the right, the target's pod and reports become the VMI's own.</summary>
    private VmiState Apply(IMigrationEvent e)
    {
        var moving = Moving.Apply(e, Right, PodName);
        return e is not RightHandedOver handover
            ? this with { Moving = moving }
            : this with
            {
                Moving = moving with { DepartedPodSeen = Pod },
                Right = new Right(handover.Epoch, handover.Node, handover.PodUid),
                PodName = handover.PodName,
                Pod = Moving.TargetPod,
                PodIsGone = Moving.TargetPodIsGone,
                GonePodUid = null,
                Report = Moving.TargetReport,
                Refusal = null,
                ChangeRefused = null,
            };
    }

    /// <summary>Takes in what the world says; nothing here is a decision, and everything of it can be asked for again.</summary>
    public VmiState Observe(IVmiMessage message)
    {
        var moving = MigrationNewsReader.Read(Moving, message, PodName);
        return (moving == Moving ? this : this with { Moving = moving }).ObserveRight(message);
    }

    private VmiState ObserveRight(IVmiMessage message) => message switch
    {
        // A feed may lag behind our own writes; going back would only cause a write that says nothing new.
        VmiObserved observed when ResourceVersions.IsNewer(observed.Vmi.Metadata.ResourceVersion, Vmi?.Metadata.ResourceVersion) => this with { Vmi = observed.Vmi },
        VmiGone => this with { ObjectGone = true },
        PodObserved observed when IsOurs(observed.Pod.Name) && IsNews(observed.Pod) => this with { Pod = observed.Pod, PodIsGone = false, CreateError = null },
        PodGone gone when IsOurs(gone.PodName) && (Pod is null || Pod.Uid == gone.PodUid) => this with { Pod = null, PodIsGone = true, GonePodUid = gone.PodUid },
        // Before the pod was seen once, a list without it says nothing: its creation may still be on its way.
        NoPodListed when PodName is not null && Phase is not (null or Pending) => this with { Pod = null, PodIsGone = true, GonePodUid = Pod?.Uid ?? Right?.PodUid ?? GonePodUid },
        DomainReported report when HoldsRight(report) && IsNewer(report) => this with
        {
            Report = report,
            Refusal = null,
            // Another agent may be able to, and whatever was carried out since has put it right.
            ChangeRefused = report.Agent == Report?.Agent && report.Domain.Revision == Report.Domain.Revision ? ChangeRefused : null,
        },
        DomainRefused { Revision: not null } refusal when HoldsRight(refusal) => this with { ChangeRefused = refusal },
        DomainRefused refusal when HoldsRight(refusal) => this with { Refusal = refusal },
        PodTroubled trouble when trouble.PodUid == Pod?.Uid => this with { Trouble = trouble.Reason is null ? null : trouble },
        ContextIdGiven given => this with { ContextId = given.ContextId },
        ClaimObserved or ClaimGone or AttachmentObserved or AttachmentGone => this with { Storage = Storage.Observe(message) },
        _ => this,
    };

    public bool HoldsRight(IDomainReport report) => Right is { } right && right.Node == report.Node && right.Epoch == report.Epoch;

    private bool IsOurs(string podName) => podName == PodName;

    private bool IsNews(PodObservation pod) =>
        pod.Uid != GonePodUid && (Pod?.Uid != pod.Uid || ResourceVersions.IsNewer(pod.ResourceVersion, Pod.ResourceVersion));

    private bool IsNewer(DomainReported report) => Report is not { } known || known.Agent != report.Agent || report.Sequence > known.Sequence;
}
