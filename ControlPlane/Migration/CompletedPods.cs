using Troupe.ControlPlane.Vmi;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Migration;

/// <summary>
/// A source pod from which the guest has gone ends by itself and stays, Succeeded, as with KubeVirt: nothing on its node is taken by it, and it
/// goes with its VMI. Only of a guest that moves often they are cleared away, several in one request.
/// </summary>
internal static class CompletedPods
{
    public const int Kept = 5;

    public static IReadOnlyList<VmiEffect> Effects(VmiState state) =>
        state.Moving is { Ongoing: null, Completed: { Count: > Kept } completed } ? [new VmiEffect.DeleteCompleted(state.PodName!, [.. completed])] : [];

    /// <summary>Never the pod of the guest itself, which has something to tell when it ends.</summary>
    public static ListQuery Selection(string vmiUid, string ownPod) =>
        new(LabelSelector: $"{Labels.App}={Labels.LauncherApp},{Labels.CreatedBy}={vmiUid}", FieldSelector: $"status.phase=Succeeded,metadata.name!={ownPod}");
}
