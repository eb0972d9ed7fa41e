using System.Text.Json.Nodes;
using Troupe.ControlPlane.Vmi;
using Keys = Troupe.Messages.Api.KubeVirt.Vocabulary.Annotations;

namespace Troupe.ControlPlane.Migration;

/// <summary>
/// Whether deschedulers should move a guest or rather not: annotations that they look for on its pod. They come from the machine's template
/// by way of the instance, and may come and go while the guest runs.
/// </summary>
internal static class Descheduling
{
    private static readonly string[] Wishes = [Keys.Evict, Keys.PreferNoEviction];

    public static IEnumerable<VmiEffect> Effects(VmiState state)
    {
        var wanted = state.Vmi?.Metadata.Annotations;
        if (state.Pod is { Deleting: false } pod && state.Vmi is not null && (pod.Evict, pod.PreferNoEviction) != (wanted?.GetValueOrDefault(Keys.Evict), wanted?.GetValueOrDefault(Keys.PreferNoEviction)))
            yield return new VmiEffect.TellDeschedulers(pod.Name, pod.Uid, wanted?.GetValueOrDefault(Keys.Evict), wanted?.GetValueOrDefault(Keys.PreferNoEviction));
    }

    /// <summary>A merge patch.</summary>
    public static JsonObject PodPatch(VmiEffect.TellDeschedulers tell) => new()
    {
        ["metadata"] = new JsonObject { ["uid"] = tell.PodUid, ["annotations"] = new JsonObject { [Keys.Evict] = tell.Evict, [Keys.PreferNoEviction] = tell.PreferNoEviction } },
    };

    /// <summary>What is to change in an instance's annotations for it to wish what its machine's template does.</summary>
    public static JsonObject Between(IReadOnlyDictionary<string, string>? instance, IReadOnlyDictionary<string, string>? template) =>
        new(Wishes.Where(w => instance?.GetValueOrDefault(w) != template?.GetValueOrDefault(w)).Select(w => KeyValuePair.Create(w, (JsonNode?)template?.GetValueOrDefault(w))));
}
