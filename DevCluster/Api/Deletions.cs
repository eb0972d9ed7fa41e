using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

/// <summary>What a delete does to an object: preconditions, finalizers, grace period. Pure.</summary>
internal static class Deletions
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";

    /// <summary>Marked for deletion and nobody left to wait for.</summary>
    public static bool IsDone(ResourceDefinition definition, JsonObject obj) =>
        obj.At("metadata", "deletionTimestamp") is not null
        && obj.Arr("metadata", "finalizers") is null or { Count: 0 }
        && obj.Int("metadata", "deletionGracePeriodSeconds") is null or 0
        && !definition.Strategy.HoldsDeletion(obj);

    public static void CheckPreconditions(ResourceDefinition definition, StoredObject stored, JsonObject? options)
    {
        // Here, and only here, a real server names the kind where others name the resource.
        var kind = definition.Key with { Plural = definition.Kind };
        if (options.Str("preconditions", "uid") is { } uid && uid != stored.Uid)
            throw ApiException.Conflict(kind, stored.Name, $"the UID in the precondition ({uid}) does not match the UID in record ({stored.Uid}). The object might have been deleted and then recreated");
        var rv = stored.ResourceVersion.ToString(CultureInfo.InvariantCulture);
        if (options.Str("preconditions", "resourceVersion") is { } asked && asked != rv)
            throw ApiException.Conflict(kind, stored.Name, $"the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({rv}). The object might have been modified");
    }

    /// <summary>The object as a delete leaves it while somebody still has to be waited for.</summary>
    public static JsonObject Mark(ResourceDefinition definition, JsonObject live, JsonObject? options, DateTimeOffset now)
    {
        var obj = live.Copy();
        var metadata = obj.Meta();
        Propagate(definition, metadata, options);
        var grace = definition.Strategy.GracePeriodSeconds(live, options.Int("gracePeriodSeconds"));
        if (metadata["deletionTimestamp"] is not null)
        {
            // A second delete can only shorten the wait.
            if (grace < (metadata.Int("deletionGracePeriodSeconds") ?? 0))
                metadata["deletionGracePeriodSeconds"] = grace;
            return obj;
        }
        metadata["deletionTimestamp"] = now.AddSeconds(grace).Kube();
        metadata["deletionGracePeriodSeconds"] = grace;
        if (definition.TracksGeneration)
            metadata["generation"] = (metadata.Int("generation") ?? 0) + 1;
        definition.Strategy.BeginDeletion(obj);
        return obj;
    }

    private static void Propagate(ResourceDefinition definition, JsonObject metadata, JsonObject? options)
    {
        var finalizers = metadata.Arr("finalizers")?.Select(f => f.AsString() ?? "").ToList() ?? [];
        var policy = options.Str("propagationPolicy")
            ?? options.Bool("orphanDependents") switch { true => "Orphan", false => "Background", null => null }
            ?? (finalizers.Contains(Orphan) ? "Orphan" : finalizers.Contains(Foreground) ? "Foreground" : definition.DefaultPropagation);
        finalizers.RemoveAll(f => f is Orphan or Foreground);
        if (policy != "Background")
            finalizers.Add(policy == "Orphan" ? Orphan : Foreground);
        if (finalizers.Count > 0)
            metadata["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]);
        else
            metadata.Remove("finalizers");
    }

    /// <summary>What a delete answers with when the object is gone and the kind doesn't show it a last time.</summary>
    public static JsonObject DeletedStatus(ResourceDefinition definition, string name, string uid)
    {
        var details = new JsonObject { ["name"] = name };
        if (definition.Key.Group.Length > 0)
            details["group"] = definition.Key.Group;
        details["kind"] = definition.Key.Plural;
        details["uid"] = uid;
        return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }
}
