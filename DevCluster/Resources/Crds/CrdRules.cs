using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Webhooks;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>What is checked of a CustomResourceDefinition besides its schemas.</summary>
internal static class CrdRules
{
    private const string Approval = "api-approved.kubernetes.io";
    private static readonly string[] ColumnTypes = ["boolean", "date", "integer", "number", "string"];

    public static IEnumerable<StatusCause> Names(JsonObject crd)
    {
        var spec = crd.Obj("spec");
        var names = spec.Obj("names");
        var (group, plural, kind) = (spec.Str("group") ?? "", names.Str("plural") ?? "", names.Str("kind") ?? "");
        if (group.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.group");
        else if (Machinery.Names.DnsSubdomainProblem(group) is { } groupProblem)
            yield return new("FieldValueInvalid", $"Invalid value: \"{group}\": {groupProblem}", "spec.group");
        else if (!group.Contains('.', StringComparison.Ordinal))
            yield return new("FieldValueInvalid", $"Invalid value: \"{group}\": should be a domain with at least one dot", "spec.group");
        if (IsProtected(group) && string.IsNullOrEmpty(crd.Str("metadata", "annotations", Approval)))
        {
            yield return new("FieldValueRequired",
                $"Required value: protected groups must have approval annotation \"{Approval}\", see https://github.com/kubernetes/enhancements/pull/1111", $"metadata.annotations[{Approval}]");
        }
        if (crd.Name() != $"{plural}.{group}")
            yield return new("FieldValueInvalid", $"Invalid value: \"{crd.Name()}\": must be spec.names.plural+\".\"+spec.group", "metadata.name");
        if (spec.Str("scope") is not ("Namespaced" or "Cluster"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{spec.Str("scope")}\": supported values: \"Cluster\", \"Namespaced\"", "spec.scope");
        if (plural.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.names.plural");
        foreach (var (name, field) in Labels(names))
        {
            if (Machinery.Names.DnsLabel1035Problem(name) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", "spec.names." + field);
        }
        if (kind.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.names.kind");
        foreach (var field in new[] { "kind", "listKind" })
        {
            if (names.Str(field) is { Length: > 0 } name && Machinery.Names.DnsLabel1035Problem(name.ToLowerInvariant()) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": may have mixed case, but should otherwise match: {problem}", "spec.names." + field);
        }
        if (kind.Length > 0 && kind == names.Str("listKind"))
            yield return new("FieldValueInvalid", $"Invalid value: \"{kind}\": kind and listKind may not be the same", "spec.names.listKind");
        if (spec.Bool("preserveUnknownFields") == true)
            yield return new("FieldValueInvalid", "Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead", "spec.preserveUnknownFields");
    }

    private static bool IsProtected(string group) => group is "k8s.io" or "kubernetes.io" || group.EndsWith(".k8s.io", StringComparison.Ordinal) || group.EndsWith(".kubernetes.io", StringComparison.Ordinal);

    private static IEnumerable<(string Name, string Field)> Labels(JsonObject? names)
    {
        foreach (var field in new[] { "plural", "singular" })
        {
            if (names.Str(field) is { Length: > 0 } name)
                yield return (name, field);
        }
        foreach (var field in new[] { "shortNames", "categories" })
        {
            foreach (var (name, i) in (names.Arr(field) ?? []).Select((n, i) => (n.AsString() ?? "", i)))
                yield return (name, $"{field}[{i}]");
        }
    }

    public static IEnumerable<StatusCause> Versions(JsonObject crd, JsonObject? old)
    {
        var versions = crd.Arr("spec", "versions") ?? [];
        if (versions.Count == 0)
            yield return new("FieldValueRequired", "Required value", "spec.versions");
        if (versions.Count(v => v.Bool("storage") == true) != 1)
            yield return new("FieldValueInvalid", "Invalid value: must have exactly one version marked as storage version", "spec.versions");
        var seen = new HashSet<string>();
        // A schema that all versions share is moved up before it is checked, and faults in it are told where it is then.
        var shared = versions.All(v => v.At("schema").SameAs(versions[0].At("schema")));
        foreach (var (version, i) in versions.Select((v, i) => (v, i)))
        {
            var at = $"spec.versions[{i}]";
            var name = version.Str("name") ?? "";
            if (Machinery.Names.DnsLabel1035Problem(name) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at + ".name");
            else if (!seen.Add(name))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at + ".name");
            foreach (var cause in Columns(version, at).Concat(Scale(version, at)).Concat(Selectable(version, at)))
                yield return cause;
            if (version.Obj("schema", "openAPIV3Schema") is not { } schema)
            {
                yield return new("FieldValueRequired", "Required value: schemas are required", at + ".schema.openAPIV3Schema");
                continue;
            }
            if (shared && i > 0)
                continue;
            var before = old.Arr("spec", "versions")?.FirstOrDefault(v => v.Str("name") == name).Obj("schema", "openAPIV3Schema");
            foreach (var cause in StructuralSchema.Problems(schema, shared ? "spec.validation.openAPIV3Schema" : at + ".schema.openAPIV3Schema", kept: before is not null && schema.SameAs(before)))
                yield return cause;
        }
    }

    private static IEnumerable<StatusCause> Columns(JsonNode? version, string at)
    {
        foreach (var (column, i) in (version.Arr("additionalPrinterColumns") ?? []).Select((c, i) => (c, i)))
        {
            var field = $"{at}.additionalPrinterColumns[{i}]";
            if (string.IsNullOrEmpty(column.Str("name")))
                yield return new("FieldValueRequired", "Required value", field + ".name");
            if (!ColumnTypes.Contains(column.Str("type")))
                yield return new("FieldValueInvalid", $"Invalid value: \"{column.Str("type")}\": must be one of {string.Join(",", ColumnTypes)}", field + ".type");
            if (string.IsNullOrEmpty(column.Str("jsonPath")))
                yield return new("FieldValueRequired", "Required value", field + ".jsonPath");
            else if (JsonPath.Problem(column.Str("jsonPath")!) is { } why)
                yield return new("FieldValueInvalid", $"Invalid value: \"{column.Str("jsonPath")}\": {why}", field + ".jsonPath");
        }
    }

    private static IEnumerable<StatusCause> Scale(JsonNode? version, string at)
    {
        if (version.Obj("subresources", "scale") is not { } scale)
            yield break;
        foreach (var (field, roots) in new[] { ("specReplicasPath", new[] { ".spec." }), ("statusReplicasPath", [".status."]), ("labelSelectorPath", [".spec.", ".status."]) })
        {
            var path = scale.Str(field) ?? "";
            if (path.Length == 0 && field != "labelSelectorPath")
                yield return new("FieldValueRequired", "Required value", $"{at}.subresources.scale.{field}");
            else if (path.Length > 0 && !roots.Any(r => path.StartsWith(r, StringComparison.Ordinal)))
                yield return new("FieldValueInvalid", $"Invalid value: \"{path}\": should be a json path under {string.Join(" or ", roots.Select(r => r.TrimEnd('.')))}", $"{at}.subresources.scale.{field}");
        }
    }

    private static IEnumerable<StatusCause> Selectable(JsonNode? version, string at)
    {
        var fields = version.Arr("selectableFields") ?? [];
        if (fields.Count > 8)
            yield return new("FieldValueTooMany", $"Too many: {fields.Count}: must have at most 8 items", at + ".selectableFields");
        var seen = new HashSet<string>();
        foreach (var (path, i) in fields.Select((f, i) => (f.Str("jsonPath") ?? "", i)))
        {
            var field = $"{at}.selectableFields[{i}].jsonPath";
            if (path.Length == 0)
            {
                yield return new("FieldValueRequired", "Required value", field);
                continue;
            }
            if (!seen.Add(path))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{path}\"", field);
            JsonNode? found = version.Obj("schema", "openAPIV3Schema");
            foreach (var step in path.TrimStart('.').Split('.'))
                found = found.Obj("properties", step);
            if (path.StartsWith(".metadata", StringComparison.Ordinal))
                yield return new("FieldValueInvalid", $"Invalid value: \"{path}\": must not point to fields in metadata", field);
            else if (found is null)
                yield return new("FieldValueInvalid", $"Invalid value: \"{path}\": is an invalid path: does not exist", field);
            else if (found.Str("type") is not ("string" or "boolean" or "integer"))
                yield return new("FieldValueInvalid", $"Invalid value: \"{path}\": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.", field);
        }
    }

    public static IEnumerable<StatusCause> Conversion(JsonObject? conversion)
    {
        const string at = "spec.conversion";
        var webhook = conversion.Obj("webhook");
        switch (conversion.Str("strategy"))
        {
            case "None":
                if (webhook is not null)
                    yield return new("FieldValueForbidden", "Forbidden: should not be set when strategy is not set to Webhook", at + ".webhook");
                break;
            case "Webhook":
                if (webhook.Obj("clientConfig") is not { } config)
                    yield return new("FieldValueRequired", "Required value: required when strategy is set to Webhook", at + ".webhook.clientConfig");
                else
                {
                    foreach (var cause in WebhookTarget.Problems(config, at + ".webhook.clientConfig"))
                        yield return cause;
                }
                var versions = (webhook.Arr("conversionReviewVersions") ?? []).Select(v => v.AsString() ?? "").ToList();
                if (versions.Count == 0)
                    yield return new("FieldValueRequired", "Required value", at + ".webhook.conversionReviewVersions");
                else if (!versions.Any(v => v is "v1" or "v1beta1"))
                    yield return new("FieldValueInvalid", $"Invalid value: [{string.Join(",", versions.Select(v => $"\"{v}\""))}]: must include at least one of v1, v1beta1", at + ".webhook.conversionReviewVersions");
                break;
            case var strategy:
                yield return new("FieldValueNotSupported", $"Unsupported value: \"{strategy}\": supported values: \"None\", \"Webhook\"", at + ".strategy");
                break;
        }
    }

    public static IEnumerable<StatusCause> Update(JsonObject crd, JsonObject old)
    {
        foreach (var field in new[] { "group", "scope" })
        {
            if (old.Str("spec", field) != crd.Str("spec", field))
                yield return new("FieldValueInvalid", $"Invalid value: \"{crd.Str("spec", field)}\": field is immutable", "spec." + field);
        }
        foreach (var field in new[] { "plural", "kind" })
        {
            if (old.Str("spec", "names", field) != crd.Str("spec", "names", field))
                yield return new("FieldValueInvalid", $"Invalid value: \"{crd.Str("spec", "names", field)}\": field is immutable", "spec.names." + field);
        }
        var names = (crd.Arr("spec", "versions") ?? []).Select(v => v.Str("name")).ToHashSet();
        var storage = (crd.Arr("spec", "versions") ?? []).FirstOrDefault(v => v.Bool("storage") == true).Str("name");
        if (crd.Arr("status", "storedVersions") is { } kept && !kept.Any(s => s.AsString() == storage))
            yield return new("FieldValueInvalid", $"Invalid value: {kept.Display()}: must have the storage version {storage}", "status.storedVersions");
        foreach (var (stored, i) in (crd.Arr("status", "storedVersions") ?? []).Select((s, i) => (s.AsString(), i)))
        {
            if (!names.Contains(stored))
            {
                yield return new("FieldValueInvalid",
                    $"Invalid value: \"{stored}\": missing from spec.versions; {stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {stored} and removes {stored} from status.storedVersions",
                    $"status.storedVersions[{i}]");
            }
        }
    }
}
