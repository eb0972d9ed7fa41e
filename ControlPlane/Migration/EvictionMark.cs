using System.Text.Json.Nodes;
using Troupe.ControlPlane.Vmi;
using Keys = Troupe.Messages.Api.KubeVirt.Vocabulary.Annotations;

namespace Troupe.ControlPlane.Migration;

/// <summary>`status.evacuationNodeName`: the pod on that node was to be evicted. The mark is over as soon as the guest has left the node.</summary>
internal static class EvictionMark
{
    /// <summary>The node that is to be left; null when there is none, or the guest is elsewhere by now.</summary>
    public static string? Of(VmiState state) =>
        state.Vmi?.Status?.EvacuationNodeName is { Length: > 0 } marked && (state.Right is null || state.Right.Node == marked) ? marked : null;

    /// <summary>Who asked for the eviction is of no more interest when the guest has left the node.</summary>
    public static IReadOnlyDictionary<string, string>? Annotations(IReadOnlyDictionary<string, string>? annotations, VmiState state)
    {
        var hasMoved = state.Vmi?.Status?.EvacuationNodeName is { Length: > 0 } && Of(state) is null;
        return hasMoved && annotations?.ContainsKey(Keys.EvictionSource) is true ? annotations.Where(a => a.Key != Keys.EvictionSource).ToDictionary() : annotations;
    }

    public static IEnumerable<VmiEffect> Effects(VmiState state)
    {
        var inProgress = Of(state) is not null;
        if (state.Pod is { Deleting: false } pod && pod.EvictionInProgress != inProgress)
            yield return new VmiEffect.MarkEviction(pod.Name, pod.Uid, inProgress);
    }

    /// <summary>A merge patch.</summary>
    public static JsonObject PodPatch(string podUid, bool inProgress) => new()
    {
        ["metadata"] = new JsonObject { ["uid"] = podUid, ["annotations"] = new JsonObject { [Keys.EvictionInProgress] = inProgress ? "true" : null } },
    };
}
