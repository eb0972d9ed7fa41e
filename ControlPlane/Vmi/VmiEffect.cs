using Troupe.ControlPlane.Migration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Vmi;

/// <summary>A launcher's pod, where it is.</summary>
public sealed record LauncherOnNode(string Pod, string Uid, string Node);

/// <summary>What is to be done after a decision is journaled. Every effect may be repeated without harm.</summary>
public abstract record VmiEffect
{
    public sealed record CreatePod(string Name) : VmiEffect;

    /// <summary>The pod in which a migration is to bring the guest.</summary>
    public sealed record CreateTargetPod(string Name) : VmiEffect;

    /// <summary>The guest runs in this pod now: the network is to lead its earlier addresses there, where it can.</summary>
    /// <param name="Kept">Comma-separated.</param>
    public sealed record LeadAddresses(string PodName, string PodUid, string Kept, bool Unpaused) : VmiEffect;

    public sealed record DeletePod(string Name, string? Uid, bool Force) : VmiEffect;

    /// <summary>Pods that this guest has left and that have ended well; all but its own.</summary>
    public sealed record DeleteCompleted(string OwnPod, IReadOnlyList<string> Known) : VmiEffect;

    /// <summary>The pod that brings a plugged volume to the guest's node.</summary>
    /// <param name="Source">The volume with the claim that is to be brought.</param>
    /// <param name="Launcher">To which pod it is brought.</param>
    public sealed record CreateAttachment(string Volume, string Name, Volume Source, LauncherOnNode Launcher) : VmiEffect;

    /// <summary>The claim for the guest's TPM and UEFI variables.</summary>
    /// <param name="Migration">For whose target it is; null for the guest's first one.</param>
    public sealed record CreateStateClaim(string Name, OngoingMigration? Migration = null) : VmiEffect;

    /// <summary>Of a migration's two claims for TPM and UEFI variables the one that the guest does not have is to go.</summary>
    public sealed record SettleState(OngoingMigration Migration, bool Arrived) : VmiEffect;

    public sealed record DeleteAttachment(string Name, string Uid) : VmiEffect;

    public sealed record Tell(INodeMessage Message) : VmiEffect;

    /// <summary>The guest's VSOCK device needs a context id.</summary>
    public sealed record AskForContextId : VmiEffect;

    /// <summary>Kubelet has the pod and does not start it: find out why.</summary>
    public sealed record AskForTrouble(string PodUid) : VmiEffect;

    /// <summary>An event for people, on the VMI.</summary>
    public sealed record Announce(string Type, string Reason, string Message) : VmiEffect;

    /// <summary>The guest runs (or no longer does): the pod's readiness gate follows.</summary>
    public sealed record MarkUnpaused(string PodName, string PodUid, bool Unpaused) : VmiEffect;

    /// <summary>Deschedulers see on the pod whether an eviction that they asked for is under way.</summary>
    public sealed record MarkEviction(string PodName, string PodUid, bool InProgress) : VmiEffect;

    /// <summary>What they are to know of a pod that runs; null takes the annotation away.</summary>
    public sealed record TellDeschedulers(string PodName, string PodUid, string? Evict, string? PreferNoEviction) : VmiEffect;

    /// <summary>The networks that Multus is to attach to a pod that runs.</summary>
    public sealed record SetNetworks(string PodName, string PodUid, string Annotation) : VmiEffect;

    /// <summary>What Multus has given to a pod's networks, in the words of the guest's spec.</summary>
    public sealed record TellNetworkInfo(string PodName, string PodUid, string Annotation) : VmiEffect;

    /// <summary>Decide again after this time even if nothing is heard.</summary>
    public sealed record LookAgain(TimeSpan After) : VmiEffect;

    /// <summary>All is done; the actor may end.</summary>
    public sealed record Retire : VmiEffect;
}
