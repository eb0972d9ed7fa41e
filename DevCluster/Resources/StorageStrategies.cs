using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Controllers.Storage;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Resources;

internal static class AccessModes
{
    private static readonly string[] Known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    public static IEnumerable<StatusCause> Validate(JsonObject obj)
    {
        const string at = "spec.accessModes";
        var modes = (obj.Arr("spec", "accessModes") ?? []).Select(mode => mode.AsString() ?? "").ToList();
        if (modes.Count == 0)
            yield return new("FieldValueRequired", "Required value: at least 1 access mode is required", at);
        foreach (var mode in modes.Where(mode => !Known.Contains(mode)))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{mode}\": supported values: {string.Join(", ", Known.Select(k => $"\"{k}\""))}", at);
        if (modes.Count > 1 && modes.Contains("ReadWriteOncePod"))
            yield return new("FieldValueForbidden", "Forbidden: may not use ReadWriteOncePod with other access modes", at);
        if (obj.Str("spec", "volumeMode") is { } kind && kind is not ("Filesystem" or "Block"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{kind}\": supported values: \"Block\", \"Filesystem\"", "spec.volumeMode");
    }

    /// <summary>What the StorageObjectInUseProtection admission plug-in gives to every new claim and volume.</summary>
    public static void Protect(JsonObject obj, string finalizer)
    {
        if (obj.Meta()["finalizers"] is not JsonArray finalizers)
            obj.Meta()["finalizers"] = finalizers = [];
        if (!finalizers.Any(f => f.AsString() == finalizer))
            finalizers.Add((JsonNode)finalizer);
    }
}

internal sealed class ClaimStrategy : ResourceStrategy
{
    public override void Default(JsonObject obj) => obj.Child("spec").Fill("volumeMode", "Filesystem");

    public override void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
        AccessModes.Protect(obj, StorageNames.ClaimProtection);
        // The empty name is a choice too: no class, static volumes only.
        if (obj.At("spec", "storageClassName") is null && obj.Str("metadata", "annotations", "volume.beta.kubernetes.io/storage-class") is null
            && DefaultClass(context) is { } name)
            obj.Child("spec")["storageClassName"] = name;
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, StrategyContext context)
    {
        // Of a claim that isn't bound the size may not change at all, which validation says.
        if (old.Str("status", "phase") != "Bound" || Size(obj) is not { } wanted || Size(old) is not { } had || wanted <= had)
            return;
        var storageClass = context.State.Table("storage.k8s.io/storageclasses").Find("", old.Str("spec", "storageClassName") ?? "")?.Parse();
        if (storageClass.Bool("allowVolumeExpansion") != true)
        {
            throw ApiException.Forbidden(ResourceKey.PersistentVolumeClaims, obj.Name(),
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
        }
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var cause in AccessModes.Validate(obj))
            yield return cause;
        const string at = "spec.resources[storage]";
        switch (obj.At("spec", "resources", "requests", "storage"))
        {
            case null:
                yield return new("FieldValueRequired", "Required value", at);
                break;
            case var size when Size(obj) is not { Value: > 0 }:
                yield return new("FieldValueInvalid", $"Invalid value: \"{size.Display()}\": must be greater than zero", at);
                break;
        }
        if (old is null)
            yield break;
        if (!Frozen(obj, old).SameAs(Frozen(old, old)))
            yield return new("FieldValueForbidden", "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims", "spec");
        if (Size(obj) is { } wanted && Size(old) is { } had && wanted < had)
            yield return new("FieldValueForbidden", "Forbidden: field can not be less than status.capacity", "spec.resources.requests.storage");
    }

    private static JsonObject Frozen(JsonObject claim, JsonObject old)
    {
        var spec = claim.Obj("spec")?.Copy() ?? [];
        // Binding fills the name in, once; a class may be given later to a claim that had none.
        if (string.IsNullOrEmpty(old.Str("spec", "volumeName")))
            spec.Remove("volumeName");
        if (old.At("spec", "storageClassName") is null)
            spec.Remove("storageClassName");
        if (old.Str("status", "phase") == "Bound")
            spec.Remove("resources");
        spec.Remove("volumeAttributesClassName");
        return spec;
    }

    private static string? DefaultClass(StrategyContext context) =>
        context.State.Table("storage.k8s.io/storageclasses").All().Select(stored => stored.Parse())
            .Where(c => c.Str("metadata", "annotations", StorageClasses.IsDefault) == "true")
            .OrderByDescending(c => c.Str("metadata", "creationTimestamp"), StringComparer.Ordinal).ThenBy(c => c.Name(), StringComparer.Ordinal)
            .FirstOrDefault()?.Name();

    private static Quantity? Size(JsonObject claim) =>
        claim.At("spec", "resources", "requests", "storage") is { } size && Quantity.TryParse(size.Display(), out var quantity) ? quantity : null;
}

internal sealed class VolumeStrategy : ResourceStrategy
{
    private static readonly HashSet<string> NotSources =
    [
        "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "volumeMode", "nodeAffinity", "volumeAttributesClassName",
    ];

    public override void Default(JsonObject obj)
    {
        obj.Child("spec").Fill("volumeMode", "Filesystem");
        obj.Child("spec").Fill("persistentVolumeReclaimPolicy", "Retain");
        obj.Obj("spec", "hostPath")?.Fill("type", "");
    }

    public override void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
        AccessModes.Protect(obj, StorageNames.VolumeProtection);
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var cause in AccessModes.Validate(obj))
            yield return cause;
        if (obj.At("spec", "capacity", "storage") is not { } size)
            yield return new("FieldValueRequired", "Required value", "spec.capacity");
        else if (!Quantity.TryParse(size.Display(), out var capacity) || capacity.Value <= 0)
            yield return new("FieldValueInvalid", $"Invalid value: \"{size.Display()}\": must be greater than zero", "spec.capacity[storage]");
        if (obj.Str("spec", "persistentVolumeReclaimPolicy") is { } policy && policy is not ("Retain" or "Delete" or "Recycle"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{policy}\": supported values: \"Delete\", \"Recycle\", \"Retain\"", "spec.persistentVolumeReclaimPolicy");
        var sources = Sources(obj);
        if (sources.Count == 0)
            yield return new("FieldValueRequired", "Required value: must specify a volume type", "spec");
        if (sources.Count > 1)
            yield return new("FieldValueForbidden", "Forbidden: may not specify more than 1 volume type", "spec");
        if (obj.Obj("spec", "local") is not null && obj.Obj("spec", "nodeAffinity") is null)
            yield return new("FieldValueRequired", "Required value: Local volume requires node affinity", "spec.nodeAffinity");
        if (old is not null && !Sources(old).SameAs(sources))
            yield return new("FieldValueForbidden", "Forbidden: spec.persistentvolumesource is immutable after creation", "spec.persistentvolumesource");
        if (old is not null && old.Str("spec", "volumeMode") != obj.Str("spec", "volumeMode"))
            yield return new("FieldValueInvalid", $"Invalid value: \"{obj.Str("spec", "volumeMode")}\": field is immutable", "volumeMode");
    }

    private static JsonObject Sources(JsonObject volume) =>
        new((volume.Obj("spec") ?? []).Where(field => !NotSources.Contains(field.Key)).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
}

internal sealed class StorageClassStrategy : ResourceStrategy
{
    public override void Default(JsonObject obj)
    {
        obj.Fill("reclaimPolicy", "Delete");
        obj.Fill("volumeBindingMode", "Immediate");
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        if (string.IsNullOrEmpty(obj.Str("provisioner")))
            yield return new("FieldValueRequired", "Required value", "provisioner");
        if (obj.Str("reclaimPolicy") is { } policy && policy is not ("Delete" or "Retain"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{policy}\": supported values: \"Delete\", \"Retain\"", "reclaimPolicy");
        if (obj.Str("volumeBindingMode") is { } mode && mode is not ("Immediate" or "WaitForFirstConsumer"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{mode}\": supported values: \"Immediate\", \"WaitForFirstConsumer\"", "volumeBindingMode");
        foreach (var field in new[] { "provisioner", "parameters", "reclaimPolicy", "volumeBindingMode" })
        {
            if (old is not null && !old.At(field).SameAs(obj.At(field)))
                yield return new("FieldValueForbidden", $"Forbidden: updates to {field} are forbidden.", field);
        }
    }
}
