using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Api;

/// <summary>What holds for an object of any kind: decoding against the schema, and the rules of metadata.</summary>
internal static class ObjectRules
{
    /// <summary>Brings a body into the shape its schema knows; unknown and repeated fields are reported as fieldValidation says.</summary>
    /// <exception cref="ApiException">400 for a body that isn't this kind of object.</exception>
    public static void Decode(RequestContext context, ResourceDefinition definition, JsonObject obj)
    {
        CheckType(definition, obj);
        if (obj["metadata"] is not (null or JsonObject))
            throw ApiException.BadRequest($"{definition.Kind} in version \"{definition.Key.Version}\" cannot be handled as a {definition.Kind}: metadata: expected an object");
        var schema = definition.Schema.Value;
        var metadataSchema = schema.Properties.GetValueOrDefault("metadata") ?? BuiltinSchemas.For("meta.v1.ObjectMeta");
        SchemaWalk.DropNulls(obj["metadata"], metadataSchema);
        if (!definition.IsCustom)
            SchemaWalk.DropNulls(obj, schema);
        var unknown = new List<string>();
        SchemaWalk.Prune(obj, schema, unknown);
        Report(context, definition, unknown);
        // A built-in is decoded into a struct before anything else, so a wrong type is a bad request and not an invalid object.
        var wrong = definition.IsCustom
            ? obj["metadata"] is { } metadata ? SchemaValidator.Validate(metadata, metadataSchema) : []
            : SchemaValidator.Validate(obj, schema);
        if (wrong.FirstOrDefault(c => c.Reason == "FieldValueTypeInvalid") is { } cause)
            throw ApiException.BadRequest($"{definition.Kind} in version \"{definition.Key.Version}\" cannot be handled as a {definition.Kind}: {cause.Field}: {cause.Message}");
    }

    private static void CheckType(ResourceDefinition definition, JsonObject obj)
    {
        foreach (var field in new[] { "apiVersion", "kind" })
        {
            if (obj[field] is not null && obj.Str(field) is null)
                throw ApiException.BadRequest($"couldn't get version/kind; json parse error: {field} must be a string");
        }
        var apiVersion = obj.Str("apiVersion");
        var kind = obj.Str("kind");
        if (!string.IsNullOrEmpty(apiVersion) && apiVersion != definition.ApiVersion)
            throw ApiException.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({definition.ApiVersion})");
        if (!string.IsNullOrEmpty(kind) && kind != definition.Kind)
            throw ApiException.BadRequest($"{kind} in version \"{definition.Key.Version}\" cannot be handled as a {definition.Kind}: the kind in the data ({kind}) does not match the expected kind ({definition.Kind})");
        obj["apiVersion"] = definition.ApiVersion;
        obj["kind"] = definition.Kind;
    }

    private static void Report(RequestContext context, ResourceDefinition definition, List<string> unknown)
    {
        if (context.FieldValidation == "Ignore" || (unknown.Count == 0 && context.Duplicates.Count == 0))
            return;
        var problems = unknown.Select(u => $"unknown field \"{u}\"").Concat(context.Duplicates.Select(d => $"duplicate field \"{d}\"")).Distinct().ToList();
        if (context.FieldValidation == "Warn")
            context.Warnings.AddRange(problems.Where(p => !context.Warnings.Contains(p)));
        else
            throw ApiException.BadRequest($"{definition.Kind} in version \"{definition.Key.Version}\" cannot be handled as a {definition.Kind}: strict decoding error: {string.Join(", ", problems)}");
    }

    /// <summary>Everything wrong with an object that is about to be stored.</summary>
    public static IReadOnlyList<StatusCause> Validate(ResourceDefinition definition, JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var causes = new List<StatusCause>();
        Metadata(definition, obj, old, causes);
        if (definition.IsCustom)
            causes.AddRange(CustomValidation.Validate(obj, old, definition.Schema.Value));
        else
            SelectorRules.Check(obj, definition.Schema.Value, "", causes);
        causes.AddRange(definition.Strategy.Validate(obj, old, context));
        if (old is not null)
            causes.AddRange(ImmutableFields.Changed(definition, obj, old));
        return causes;
    }

    private static void Metadata(ResourceDefinition definition, JsonObject obj, JsonObject? old, List<StatusCause> causes)
    {
        var metadata = obj.Meta();
        if (old is null)
        {
            var name = obj.Name();
            if (name.Length == 0)
                causes.Add(new("FieldValueRequired", "Required value: name or generateName is required", "metadata.name"));
            else if (definition.Strategy.NameProblem(name) is { } problem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", "metadata.name"));
        }
        foreach (var (key, value) in metadata.Obj("labels") ?? [])
        {
            if (Names.LabelKeyProblem(key) is { } keyProblem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{key}\": {keyProblem}", "metadata.labels"));
            if (Names.LabelValueProblem(value.AsString() ?? "") is { } valueProblem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{value.AsString()}\": {valueProblem}", "metadata.labels"));
        }
        var bytes = 0;
        foreach (var (key, value) in metadata.Obj("annotations") ?? [])
        {
            bytes += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value.AsString() ?? "");
            if (Names.LabelKeyProblem(key.ToLowerInvariant()) is { } problem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{key}\": {problem}", "metadata.annotations"));
        }
        if (bytes > Names.MaxAnnotationBytes)
            causes.Add(new("FieldValueTooLong", $"Too long: may not be more than {Names.MaxAnnotationBytes} bytes", "metadata.annotations"));
        foreach (var finalizer in metadata.Arr("finalizers") ?? [])
        {
            var text = finalizer.AsString() ?? "";
            if (Names.LabelKeyProblem(text) is { } problem)
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{text}\": {problem}", "metadata.finalizers"));
            else if (!definition.IsCustom && definition.Key.Group is not ("apiextensions.k8s.io" or "apiregistration.k8s.io") && !text.Contains('/', StringComparison.Ordinal) && text is not ("kubernetes" or "orphan" or "foregroundDeletion"))
                causes.Add(new("FieldValueInvalid", $"Invalid value: \"{text}\": name is neither a standard finalizer name nor is it fully qualified", "metadata.finalizers"));
        }
        Owners(metadata.Arr("ownerReferences") ?? [], causes);
        if (old?.At("metadata", "deletionTimestamp") is not null)
        {
            var had = old.Arr("metadata", "finalizers")?.Select(f => f.AsString()).ToHashSet() ?? [];
            var added = (metadata.Arr("finalizers") ?? []).Select(f => f.AsString()).Where(f => !had.Contains(f)).ToList();
            if (added.Count > 0)
                causes.Add(new("FieldValueForbidden", $"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(a => $"\"{a}\""))}}}", "metadata.finalizers"));
        }
    }

    private static void Owners(JsonArray owners, List<StatusCause> causes)
    {
        for (var i = 0; i < owners.Count; i++)
        {
            foreach (var field in new[] { "apiVersion", "kind", "name", "uid" })
            {
                if (string.IsNullOrEmpty(owners[i].Str(field)))
                    causes.Add(new("FieldValueInvalid", $"Invalid value: \"\": {field} must not be empty", $"metadata.ownerReferences[{i}].{field}"));
            }
            if (owners[i].Str("apiVersion") == "v1" && owners[i].Str("kind") == "Event")
                causes.Add(new("FieldValueInvalid", "Invalid value: \"v1, Kind=Event\": v1, Kind=Event is disallowed from being an owner", $"metadata.ownerReferences[{i}]"));
        }
        if (owners.Count(o => o.Bool("controller") == true) > 1)
            causes.Add(new("FieldValueInvalid", "Invalid value: Only one reference can have Controller set to true", "metadata.ownerReferences"));
    }
}
