using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Resources;

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
    }

    public override void PrepareForCreate(JsonObject crd, StrategyContext context)
    {
        var finalizers = crd.Meta()["finalizers"] as JsonArray ?? [];
        if (finalizers.Parent is null)
            crd.Meta()["finalizers"] = finalizers;
        if (!finalizers.Any(f => f.AsString() == CleanupFinalizer))
            finalizers.Add(CleanupFinalizer);
        crd["status"] = new JsonObject { ["conditions"] = new JsonArray(), ["storedVersions"] = new JsonArray() };
        Accept(crd, context);
    }

    public override void PrepareForUpdate(JsonObject crd, JsonObject old, StrategyContext context) => Accept(crd, context);

    public override void BeginDeletion(JsonObject crd) =>
        SetCondition(crd, "Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress", DateTimeOffset.UnixEpoch);

    public override IEnumerable<StatusCause> Validate(JsonObject crd, JsonObject? old, StrategyContext context)
    {
        var spec = crd.Obj("spec");
        var (group, plural, kind) = (spec.Str("group") ?? "", spec.Str("names", "plural") ?? "", spec.Str("names", "kind") ?? "");
        if (group.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.group");
        if (plural.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.names.plural");
        if (kind.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.names.kind");
        if (crd.Name() != $"{plural}.{group}")
            yield return new("FieldValueInvalid", $"Invalid value: \"{crd.Name()}\": must be spec.names.plural+\".\"+spec.group", "metadata.name");
        if (spec.Str("scope") is not ("Namespaced" or "Cluster"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{spec.Str("scope")}\": supported values: \"Cluster\", \"Namespaced\"", "spec.scope");
        var versions = spec.Arr("versions") ?? [];
        if (versions.Count(v => v.Bool("storage") == true) != 1)
            yield return new("FieldValueInvalid", "Invalid value: must have exactly one version marked as storage version", "spec.versions");
        var seen = new HashSet<string>();
        for (var i = 0; i < versions.Count; i++)
        {
            var at = $"spec.versions[{i}]";
            if (Names.DnsLabel1035Problem(versions[i].Str("name") ?? "") is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{versions[i].Str("name")}\": {problem}", at + ".name");
            else if (!seen.Add(versions[i].Str("name")!))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{versions[i].Str("name")}\"", at + ".name");
            foreach (var (column, j) in (versions[i].Arr("additionalPrinterColumns") ?? []).Select((c, j) => (c, j)))
            {
                if (JsonPath.Problem(column.Str("jsonPath") ?? "") is { } why)
                    yield return new("FieldValueInvalid", $"Invalid value: \"{column.Str("jsonPath")}\": {why}", $"{at}.additionalPrinterColumns[{j}].jsonPath");
            }
            if (versions[i].Obj("schema", "openAPIV3Schema") is not { } schema)
            {
                yield return new("FieldValueRequired", "Required value: schemas are required", at + ".schema.openAPIV3Schema");
                continue;
            }
            foreach (var cause in SchemaReader.Problems(schema, at + ".schema.openAPIV3Schema"))
                yield return cause;
        }
        if (spec.Str("conversion", "strategy") is not "None" and var strategy)
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{strategy}\": supported values: \"None\"", "spec.conversion.strategy");
        if (old is null)
            yield break;
        foreach (var field in new[] { "group", "scope" })
        {
            if (old.Str("spec", field) != spec.Str(field))
                yield return new("FieldValueInvalid", $"Invalid value: \"{spec.Str(field)}\": field is immutable", $"spec.{field}");
        }
        foreach (var stored in crd.Arr("status", "storedVersions") ?? [])
        {
            if (!seen.Contains(stored.AsString() ?? ""))
                yield return new("FieldValueInvalid", $"Invalid value: \"{stored.AsString()}\": must appear in spec.versions", "status.storedVersions[0]");
        }
    }

    /// <summary>The work of the naming and establishing controllers, done in the same write: names are free or they aren't.</summary>
    private static void Accept(JsonObject crd, StrategyContext context)
    {
        var spec = crd.Obj("spec");
        if (spec.Obj("names") is not { } names)
            return;
        var status = crd.Child("status");
        var (group, plural, kind) = (spec.Str("group") ?? "", names.Str("plural") ?? "", names.Str("kind") ?? "");
        var rivals = context.Registry.All.Where(d => d.Key.Group == group && d.Key.Plural != plural).ToList();
        var taken = rivals.FirstOrDefault(d => d.Kind == kind || d.ListKind == names.Str("listKind"))?.Kind
            ?? (names.Arr("shortNames") ?? []).Select(s => s.AsString()).FirstOrDefault(s => rivals.Any(d => d.ShortNames.Contains(s) || d.SingularName == s));
        if (taken is null)
        {
            status["acceptedNames"] = names.DeepClone();
            SetCondition(crd, "NamesAccepted", "True", "NoConflicts", "no conflicts found", context.Now);
            SetCondition(crd, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", context.Now);
        }
        else
        {
            SetCondition(crd, "NamesAccepted", "False", "NameConflict", $"\"{taken}\" is already in use", context.Now);
            if (status.Arr("conditions")!.All(c => c.Str("type") != "Established"))
                SetCondition(crd, "Established", "False", "NotAccepted", "not all names are accepted", context.Now);
        }
        var stored = status["storedVersions"] as JsonArray ?? [];
        if (stored.Parent is null)
            status["storedVersions"] = stored;
        var storage = (spec.Arr("versions") ?? []).FirstOrDefault(v => v.Bool("storage") == true).Str("name");
        if (storage is not null && !stored.Any(s => s.AsString() == storage))
            stored.Add(storage);
    }

    private static void SetCondition(JsonObject crd, string type, string value, string reason, string message, DateTimeOffset now)
    {
        var status = crd.Child("status");
        if (status["conditions"] is not JsonArray conditions)
            status["conditions"] = conditions = [];
        var old = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == type);
        if (old.Str("status") == value && old.Str("reason") == reason)
            return;
        var condition = new JsonObject
        {
            ["lastTransitionTime"] = now.Kube(),
            ["message"] = message,
            ["reason"] = reason,
            ["status"] = value,
            ["type"] = type,
        };
        if (old is null)
            conditions.Add(condition);
        else
            conditions[conditions.IndexOf(old)] = condition;
    }
}
