using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Runs the rules of a schema on an object and everything inside of it.</summary>
internal sealed class CelValidator
{
    /// <summary>Kubernetes' limit for all rules of one request together.</summary>
    private const long TotalCost = 10_000_000;

    private readonly List<StatusCause> _causes = [];
    private long _budget = TotalCost;

    /// <param name="obj">Valid against the schema otherwise.</param>
    /// <param name="old">As it is stored; null for a create.</param>
    /// <param name="schema">Of the resource.</param>
    public static IReadOnlyList<StatusCause> Validate(JsonObject obj, JsonObject? old, Schema schema)
    {
        if (!CelRule.Any(schema))
            return [];
        var validator = new CelValidator();
        validator.Walk(obj, old, schema, "");
        return validator._causes;
    }

    private void Walk(JsonNode? value, JsonNode? old, Schema schema, string path)
    {
        if (value is null || !CelRule.Any(schema))
            return;
        foreach (var rule in CelRule.Of(schema))
        {
            if (_budget > 0)
                Run(rule, value, old, schema, path);
        }
        switch (value)
        {
            case JsonObject obj:
                foreach (var (name, child) in obj)
                {
                    if (schema.Properties.TryGetValue(name, out var property))
                        Walk(child, old.At(name), property, path.Length == 0 ? name : $"{path}.{name}");
                    else if (schema.AdditionalProperties is { } additional)
                        Walk(child, old.At(name), additional, $"{path}[{name}]");
                }
                break;
            case JsonArray array when schema.Items is { } items:
                for (var i = 0; i < array.Count; i++)
                    Walk(array[i], ListItems.Before(array[i], old as JsonArray, schema), items, $"{path}[{i}]");
                break;
        }
    }

    private void Run(CelRule rule, JsonNode value, JsonNode? old, Schema schema, string path)
    {
        var transition = rule.IsTransition;
        if (transition ? old is null && !rule.OptionalOldSelf : old is not null && value.SameAs(old))
            return;
        try
        {
            object? before = old is null ? null : CelValues.From(old, schema);
            if (rule.OptionalOldSelf)
                before = old is null ? CelOptional.None : new CelOptional(true, before);
            (string, object?)[] variables = [("self", CelValues.From(value, schema)), ("oldSelf", before)];
            switch (rule.Program.Run(variables, ref _budget))
            {
                case true:
                    return;
                case false:
                    Fail(rule, schema, path, Message(rule, variables));
                    return;
                default:
                    throw new CelException("no such overload");
            }
        }
        catch (CelException e)
        {
            var which = rule.Message.Length > 0 ? rule.Message : rule.Rule;
            Invalid(path, schema, e.Message.StartsWith("no such overload", StringComparison.Ordinal)
                ? $"'{e.Message}': call arguments did not match a supported operator, function or macro signature for rule: {which}"
                : e.Message.StartsWith("operation cancelled", StringComparison.Ordinal)
                ? $"'{e.Message}': no further validation rules will be run due to call cost exceeds limit for rule: {which}"
                : $"{e.Message} evaluating rule: {which}");
            if (e.Message.StartsWith("operation cancelled", StringComparison.Ordinal))
                _budget = 0;
        }
    }

    private string Message(CelRule rule, (string, object?)[] variables)
    {
        if (rule.MessageExpression is { } expression)
        {
            try
            {
                if (expression.Run(variables, ref _budget) is string text && text.Trim() is { Length: > 0 } said && !said.Contains('\n', StringComparison.Ordinal))
                    return said;
            }
            catch (CelException)
            {
                // The fixed message is there for this.
            }
        }
        return rule.Message.Length > 0 ? rule.Message : "failed rule: " + rule.Rule;
    }

    private void Fail(CelRule rule, Schema schema, string path, string message)
    {
        var field = rule.FieldPath.Length == 0 ? Field(path) : path.Length == 0 ? rule.FieldPath.TrimStart('.') : path + rule.FieldPath;
        _causes.Add(rule.Reason switch
        {
            "FieldValueRequired" => new(rule.Reason, $"Required value: {message}", field),
            "FieldValueForbidden" => new(rule.Reason, $"Forbidden: {message}", field),
            "FieldValueDuplicate" => new(rule.Reason, $"Duplicate value: \"{TypeName(schema)}\"", field),
            _ => new("FieldValueInvalid", $"Invalid value: \"{TypeName(schema)}\": {message}", field),
        });
    }

    private void Invalid(string path, Schema schema, string message) =>
        _causes.Add(new("FieldValueInvalid", $"Invalid value: \"{TypeName(schema)}\": {message}", Field(path)));

    private static string TypeName(Schema schema) => schema.Type is SchemaType.IntOrString or SchemaType.Any ? "" : schema.Type.ToString().ToLowerInvariant();

    private static string Field(string path) => path.Length == 0 ? "<nil>" : path;
}
