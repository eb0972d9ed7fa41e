using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Api;

/// <summary>What of a written object counts where it was written to. Pure.</summary>
internal static class WrittenParts
{
    /// <summary>Which parts of a written object count, for the endpoint it was written to; what the system owns stays.</summary>
    public static JsonObject Compose(ResourceDefinition definition, JsonObject live, JsonObject wanted, string subresource)
    {
        JsonObject obj;
        switch (subresource)
        {
            case "status":
                obj = live.Copy();
                SetOrRemove(obj, "status", wanted["status"]);
                if (!definition.IsCustom)
                    obj["metadata"] = wanted.Meta().DeepClone();
                else if (wanted.At("metadata", "managedFields") is { } managed)
                    obj.Meta()["managedFields"] = managed.DeepClone();
                break;
            case var _ when definition.Subresources.GetValueOrDefault(subresource)?.SpecField is { } field:
                obj = live.Copy();
                SetOrRemove(obj.Child("spec"), field, wanted.At("spec", field));
                break;
            default:
                obj = wanted;
                if (definition.HasStatus)
                    SetOrRemove(obj, "status", live["status"]);
                break;
        }
        var metadata = obj.Meta();
        foreach (var field in new[] { "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "generateName" })
            SetOrRemove(metadata, field, live.At("metadata", field));
        metadata.Remove("selfLink");
        return obj;
    }

    private static void SetOrRemove(JsonObject obj, string name, JsonNode? value)
    {
        if (value is null)
            obj.Remove(name);
        else
            obj[name] = value.DeepClone();
    }

    public static JsonObject SpecOf(ResourceDefinition definition, JsonObject obj)
    {
        var spec = obj.Copy();
        spec.Remove("metadata");
        if (definition.HasStatus)
            spec.Remove("status");
        return spec;
    }
}
