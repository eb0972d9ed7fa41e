using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Machinery.Cel;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>Whether an openAPIV3Schema is a structural one, in Kubernetes' words where it isn't.</summary>
internal sealed class StructuralSchema
{
    private static readonly string[] Types = ["array", "boolean", "integer", "number", "object", "string"];
    private static readonly string[] Unsupported = ["definitions", "dependencies", "patternProperties", "additionalItems", "$schema", "id"];
    private static readonly string[] OnlyOutside = ["description", "type", "default", "additionalProperties", "nullable"];
    private readonly List<StatusCause> _causes = [];

    /// <param name="root">The schema.</param>
    /// <param name="path">Of the schema in its CRD.</param>
    /// <param name="kept">Whether the schema is as it was before: what its rules cost is then not asked again.</param>
    public static IReadOnlyList<StatusCause> Problems(JsonObject root, string path, bool kept = false)
    {
        var check = new StructuralSchema();
        if (root.Str("type") is { Length: > 0 } type && type != "object")
            check.Invalid(path + ".type", $"\"{type}\"", "must be object at the root");
        check.Metadata(root, path);
        check.Structure(root, path, "at the root");
        if (check._causes.Count > 0)
            return check._causes;
        try
        {
            var schema = SchemaReader.Root(root, BuiltinSchemas.For("meta.v1.ObjectMeta"));
            check.Defaults(root, schema, path);
            var costs = new RuleCosts(check._causes, single: !kept);
            check.Rules(schema, path, correlatable: true, 1, costs);
            costs.Close(path);
        }
        catch (FormatException e)
        {
            var parts = e.Message.Split('|', 2);
            check._causes.Add(new("FieldValueInvalid", parts[^1], path + parts[0]));
        }
        return check._causes;
    }

    private void Invalid(string field, string value, string why) => _causes.Add(new("FieldValueInvalid", $"Invalid value: {value}: {why}", field));

    private void Required(string field, string why) => _causes.Add(new("FieldValueRequired", "Required value: " + why, field));

    private void Forbid(string field, string why) => _causes.Add(new("FieldValueForbidden", "Forbidden: " + why, field));

    private void Metadata(JsonObject root, string path)
    {
        if (root.Obj("properties", "metadata") is not { } metadata)
            return;
        var at = path + ".properties[metadata]";
        if (metadata.Str("type") != "object")
            Invalid(at + ".type", $"\"{metadata.Str("type")}\"", "must be object");
        if ((metadata.Obj("properties") ?? []).Any(p => p.Key is not ("name" or "generateName")) || metadata["additionalProperties"] is not null)
            Forbid(at, "must not specify anything other than name and generateName, but metadata is implicitly specified");
    }

    private void Structure(JsonObject s, string path, string where)
    {
        Type(s, path, where);
        Extensions(s, path);
        foreach (var field in Unsupported.Where(s.ContainsKey))
            Forbid($"{path}.{field}", field + " is not supported");
        if (s.ContainsKey("$ref"))
            Forbid(path + ".$ref", "$ref is not supported");
        if (s.Bool("uniqueItems") == true)
            Forbid(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (s["additionalProperties"] is { } additional)
        {
            if (s.Obj("properties") is { Count: > 0 })
                Forbid(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive");
            if (additional is JsonObject inner)
                Structure(inner, path + ".additionalProperties", "for specified object fields");
            else if (additional.Bool() == false)
                Forbid(path + ".additionalProperties", "additionalProperties cannot be set to false");
        }
        if (s["items"] is JsonArray)
            Forbid(path + ".items", "items must be a schema object and not an array");
        else if (s.Obj("items") is { } items)
            Structure(items, path + ".items", "for specified array items");
        else if (s.Str("type") == "array")
            Required(path + ".items", "must be specified");
        foreach (var (name, property) in s.Obj("properties") ?? [])
        {
            if (property is JsonObject inner)
                Structure(inner, $"{path}.properties[{name}]", "for specified object fields");
        }
        foreach (var (junctor, part) in Junctors(s))
            Value(part, s, path + junctor, s.Bool("x-kubernetes-int-or-string") == true);
    }

    private static IEnumerable<(string Path, JsonObject Schema)> Junctors(JsonObject s)
    {
        foreach (var name in new[] { "allOf", "anyOf", "oneOf" })
        {
            foreach (var (part, i) in (s.Arr(name) ?? []).Select((p, i) => (p as JsonObject, i)))
            {
                if (part is not null)
                    yield return ($".{name}[{i}]", part);
            }
        }
        if (s.Obj("not") is { } not)
            yield return (".not", not);
    }

    /// <summary>Inside of allOf and its like only values are constrained; what there is stands outside.</summary>
    private void Value(JsonObject s, JsonObject? outside, string path, bool intOrString)
    {
        foreach (var field in OnlyOutside)
        {
            if (s.ContainsKey(field) && !(field == "type" && intOrString) && field != "description")
                Forbid($"{path}.{field}", "must be empty to be structural");
        }
        foreach (var field in s.Select(p => p.Key).Where(k => k.StartsWith("x-kubernetes-", StringComparison.Ordinal) && k != "x-kubernetes-validations"))
            Forbid($"{path}.{field}", "must be empty to be structural");
        foreach (var (name, property) in s.Obj("properties") ?? [])
        {
            var same = outside.Obj("properties", name);
            var at = $"{path}.properties[{name}]";
            if (same is null && outside.Bool("x-kubernetes-preserve-unknown-fields") != true && outside?["additionalProperties"] is null)
                Required($"{PathOutside(path)}.properties[{name}]", $"because it is defined in {at}");
            if (property is JsonObject inner)
                Value(inner, same, at, same.Bool("x-kubernetes-int-or-string") == true);
        }
        if (s.Obj("items") is { } items)
            Value(items, outside.Obj("items"), path + ".items", outside.Bool("items", "x-kubernetes-int-or-string") == true);
        foreach (var (junctor, part) in Junctors(s))
            Value(part, outside, path + junctor, intOrString);
    }

    private static string PathOutside(string path)
    {
        var cut = new[] { ".allOf[", ".anyOf[", ".oneOf[", ".not" }.Select(j => path.IndexOf(j, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(path.Length).Min();
        return path[..cut];
    }

    private void Type(JsonObject s, string path, string where)
    {
        var type = s.Str("type") ?? "";
        var any = s.Bool("x-kubernetes-int-or-string") == true || s.Bool("x-kubernetes-preserve-unknown-fields") == true;
        if (s.Bool("x-kubernetes-embedded-resource") == true && type != "object")
        {
            if (type.Length == 0)
                Required(path + ".type", "must be object if x-kubernetes-embedded-resource is true");
            else
                Invalid(path + ".type", $"\"{type}\"", "must be object if x-kubernetes-embedded-resource is true");
        }
        else if (type.Length == 0 && !any)
            Required(path + ".type", "must not be empty " + where);
        else if (type == "null")
            Forbid(path + ".type", "type cannot be set to null, use nullable as an alternative");
        else if (type.Length > 0 && !Types.Contains(type))
            _causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{type}\": supported values: {string.Join(", ", Types.Select(t => $"\"{t}\""))}", path + ".type"));
        if (s.Bool("x-kubernetes-embedded-resource") == true && s.Bool("x-kubernetes-preserve-unknown-fields") != true && s.Obj("properties") is not { Count: > 0 })
            Required(path + ".properties", "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
        if (s.Bool("x-kubernetes-preserve-unknown-fields") == false)
            Invalid(path + ".x-kubernetes-preserve-unknown-fields", "false", "must be true or undefined");
    }

    private void Extensions(JsonObject s, string path)
    {
        var type = s.Str("type") ?? "";
        var keys = (s.Arr("x-kubernetes-list-map-keys") ?? []).Select(k => k.AsString() ?? "").ToList();
        switch (s.Str("x-kubernetes-list-type"))
        {
            case null:
                if (keys.Count > 0)
                    Required(path + ".x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty");
                break;
            case var list and ("atomic" or "set" or "map"):
                if (type != "array")
                    Invalid(path + ".type", $"\"{type}\"", "must be array if x-kubernetes-list-type is specified");
                if (list == "map")
                    Keys(s, keys, path);
                else if (keys.Count > 0)
                    Invalid(path + ".x-kubernetes-list-type", $"\"{list}\"", "must be map if x-kubernetes-list-map-keys is non-empty");
                if (list != "atomic" && s.Bool("items", "nullable") == true)
                    Forbid(path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is " + list);
                if (list == "set" && s.Str("items", "type") is "object" && s.Str("items", "x-kubernetes-map-type") != "atomic")
                    Invalid(path + ".items.x-kubernetes-map-type", $"\"{s.Str("items", "x-kubernetes-map-type")}\"", "must be atomic as item of a list with x-kubernetes-list-type=set");
                break;
            case var other:
                _causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{other}\": supported values: \"atomic\", \"map\", \"set\"", path + ".x-kubernetes-list-type"));
                break;
        }
        if (s.Str("x-kubernetes-map-type") is { } map)
        {
            if (type != "object")
                Invalid(path + ".type", $"\"{type}\"", "must be object if x-kubernetes-map-type is specified");
            if (map is not ("atomic" or "granular"))
                _causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{map}\": supported values: \"atomic\", \"granular\"", path + ".x-kubernetes-map-type"));
        }
    }

    private void Keys(JsonObject s, List<string> keys, string path)
    {
        if (keys.Count == 0)
            Required(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
        if (s.Str("items", "type") != "object")
            Invalid(path + ".items.type", $"\"{s.Str("items", "type")}\"", "must be object if parent array's x-kubernetes-list-type is map");
        var required = (s.Arr("items", "required") ?? []).Select(r => r.AsString()).ToHashSet();
        foreach (var (key, i) in keys.Select((k, i) => (k, i)))
        {
            if (keys.IndexOf(key) < i)
                _causes.Add(new("FieldValueDuplicate", $"Duplicate value: \"{key}\"", $"{path}.x-kubernetes-list-map-keys[{i}]"));
            if (s.Obj("items", "properties", key) is not { } property)
            {
                Invalid($"{path}.x-kubernetes-list-map-keys[{i}]", $"\"{key}\"", "entries must all be names of item properties");
                continue;
            }
            if (property.Str("type") is "array" or "object")
                Invalid($"{path}.items.properties[{key}].type", $"\"{property.Str("type")}\"", "must be a scalar type if parent array's x-kubernetes-list-type is map");
            if (property["default"] is null && !required.Contains(key))
                Required($"{path}.items.properties[{key}].default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
        }
    }

    private void Defaults(JsonObject s, Schema schema, string path)
    {
        if (s["default"] is { } given)
        {
            // A default is itself completed by the defaults inside of it.
            var complete = given.DeepClone();
            SchemaWalk.Default(complete, schema);
            foreach (var cause in SchemaValidator.Validate(complete, schema))
                _causes.Add(cause with { Message = cause.Message.Replace("<nil>", "default", StringComparison.Ordinal), Field = path + ".default" + (cause.Field is "<nil>" or null ? "" : "." + cause.Field) });
            if (given is JsonObject obj)
            {
                var unknown = new List<string>();
                SchemaWalk.Prune(obj.Copy(), schema, unknown);
                if (unknown.Count > 0)
                    Invalid(path + ".default", given.Display(), "must not have unknown fields");
            }
        }
        foreach (var (name, property) in s.Obj("properties") ?? [])
        {
            if (property is JsonObject inner && schema.Properties.TryGetValue(name, out var known))
                Defaults(inner, known, $"{path}.properties[{name}]");
        }
        if (s.Obj("items") is { } items && schema.Items is { } item)
            Defaults(items, item, path + ".items");
        if (s.Obj("additionalProperties") is { } additional && schema.AdditionalProperties is { } values)
            Defaults(additional, values, path + ".additionalProperties");
    }

    private void Rules(Schema schema, string path, bool correlatable, ulong? times, RuleCosts costs)
    {
        foreach (var (rule, i) in (schema.Validations ?? []).Select((r, i) => (r, i)))
        {
            var at = $"{path}.x-kubernetes-validations[{i}]";
            if (CelRule.Compile(rule, schema, at, path, correlatable, _causes) is null)
                continue;
            var (cost, message) = CelRule.Cost(rule, schema);
            costs.Add(at + ".rule", "rule", CelCost.Times(cost, times ?? CelSizes.Occurrences(schema)));
            costs.Add(at + ".messageExpression", "messageExpression", message);
        }
        var inside = RuleCosts.Inside(schema, times);
        foreach (var (name, property) in schema.Properties)
        {
            if (property.DefinitionName is null)
                Rules(property, $"{path}.properties[{name}]", correlatable, inside, costs);
        }
        if (schema.Items is { } items)
            Rules(items, path + ".items", correlatable && schema.ListType == ListType.Map, inside, costs);
        if (schema.AdditionalProperties is { } values)
            Rules(values, path + ".additionalProperties", correlatable, inside, costs);
    }
}
