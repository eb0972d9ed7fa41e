using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Api;

/// <summary>Fields of built-in kinds that never change once they are set, as data; what needs more thought is in the kind's strategy.</summary>
internal static class ImmutableFields
{
    private const string Immutable = "field is immutable";

    private static readonly Dictionary<string, (string Field, string Why)[]> ByTable = new()
    {
        ["/secrets"] = [("type", Immutable)],
        ["apps/statefulsets"] = [],
        ["apps/controllerrevisions"] = [("data", Immutable)],
        ["batch/jobs"] = [("spec.selector", Immutable), ("spec.completions", Immutable), ("spec.completionMode", Immutable), ("spec.podFailurePolicy", Immutable)],
        ["discovery.k8s.io/endpointslices"] = [("addressType", Immutable)],
        ["scheduling.k8s.io/priorityclasses"] = [("value", "may not be changed in an update."), ("preemptionPolicy", "may not be changed in an update.")],
        ["node.k8s.io/runtimeclasses"] = [("handler", Immutable)],
        ["networking.k8s.io/ingressclasses"] = [("spec.controller", Immutable)],
        ["storage.k8s.io/csidrivers"] = [("spec.attachRequired", Immutable)],
        ["storage.k8s.io/volumeattachments"] = [("spec", Immutable)],
    };

    /// <summary>Of a stateful set's spec only these may change.</summary>
    private static readonly string[] StatefulSetFields =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public static IEnumerable<StatusCause> Changed(ResourceDefinition definition, JsonObject obj, JsonObject old)
    {
        if (definition.IsCustom || !ByTable.TryGetValue(definition.Table, out var fields))
            yield break;
        foreach (var (field, why) in fields)
        {
            var now = obj.At(field.Split('.'));
            if (now.SameAs(old.At(field.Split('.'))))
                continue;
            yield return why == Immutable
                ? new("FieldValueInvalid", $"Invalid value: {now.Quoted()}: {why}", field)
                : new("FieldValueForbidden", $"Forbidden: {why}", field);
        }
        if (definition.Table == "apps/statefulsets" && !Without(obj, StatefulSetFields).SameAs(Without(old, StatefulSetFields)))
        {
            yield return new("FieldValueForbidden",
                "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden", "spec");
        }
        // A suspended job that never started may still be moved to other nodes.
        if (definition.Table == "batch/jobs" && old.Bool("spec", "suspend") != true && !obj.At("spec", "template").SameAs(old.At("spec", "template")))
            yield return new("FieldValueInvalid", $"Invalid value: {obj.At("spec", "template").ToUtf8Text()}: field is immutable", "spec.template");
    }

    private static JsonObject Without(JsonObject obj, IEnumerable<string> fields)
    {
        var spec = obj.Obj("spec")?.Copy() ?? [];
        foreach (var field in fields)
            spec.Remove(field);
        return spec;
    }
}
