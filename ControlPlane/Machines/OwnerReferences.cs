using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines;

/// <summary>Who an object belongs to.</summary>
internal static class OwnerReferences
{
    /// <summary>Its controller, where that is of the kind.</summary>
    public static OwnerReference? Controller(KubeObject obj, string kind) => obj.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller is true && o.Kind == kind);

    public static bool IsOwned(KubeObject obj, string owner) => obj.Metadata.OwnerReferences?.Any(o => o.Uid == owner) is true;

    /// <summary>Takes an object from its owner; it conflicts when the object has changed since it was read.</summary>
    public static Task RemoveAsync<T>(IKubeClient kubernetes, T obj, string owner, CancellationToken ct) where T : KubeObject
    {
        var left = (obj.Metadata.OwnerReferences ?? []).Where(o => o.Uid != owner).Select(o => JsonSerializer.SerializeToNode(o, ApiJson.Default.OwnerReference));
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = obj.Metadata.ResourceVersion, ["ownerReferences"] = new JsonArray([.. left]) } };
        return kubernetes.PatchAsync<T>(obj.Metadata.Namespace, obj.Metadata.Name!, PatchType.Merge, patch, ct: ct);
    }
}
