using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources.Crds;

internal sealed class CrdStrategy : ResourceStrategy
{
    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override void Default(JsonObject crd)
    {
        var spec = crd.Child("spec");
        var names = spec.Child("names");
        if (names.Str("kind") is { Length: > 0 } kind)
        {
            names.Fill("singular", kind.ToLowerInvariant());
            names.Fill("listKind", kind + "List");
        }
        spec.Fill("conversion", new JsonObject { ["strategy"] = "None" });
        spec.Obj("conversion", "webhook", "clientConfig", "service")?.Fill("port", 443L);
        // False is what an absent field means, and isn't kept.
        if (spec.Bool("preserveUnknownFields") == false)
            spec.Remove("preserveUnknownFields");
    }

    public override void PrepareForCreate(JsonObject crd, StrategyContext context)
    {
        var finalizers = crd.Meta()["finalizers"] as JsonArray ?? [];
        if (finalizers.Parent is null)
            crd.Meta()["finalizers"] = finalizers;
        if (!finalizers.Any(f => f.AsString() == CleanupFinalizer))
            finalizers.Add((JsonNode)CleanupFinalizer);
        crd["status"] = new JsonObject { ["conditions"] = new JsonArray(), ["storedVersions"] = new JsonArray() };
        CrdNaming.Accept(crd, context);
    }

    public override void PrepareForUpdate(JsonObject crd, JsonObject old, StrategyContext context) => CrdNaming.Accept(crd, context);

    public override void BeginDeletion(JsonObject crd) => CrdNaming.SetCondition(
        crd, "Terminating", "True", "InstanceDeletionPending", "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon", crd.Str("metadata", "deletionTimestamp") ?? "");

    public override IEnumerable<StatusCause> Validate(JsonObject crd, JsonObject? old, StrategyContext context) =>
        CrdRules.Names(crd).Concat(CrdRules.Versions(crd, old)).Concat(CrdRules.Conversion(crd.Obj("spec", "conversion"))).Concat(old is null ? [] : CrdRules.Update(crd, old));
}
