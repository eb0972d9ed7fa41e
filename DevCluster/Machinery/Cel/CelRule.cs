using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>One entry of x-kubernetes-validations, compiled.</summary>
internal sealed record CelRule(CelProgram Program, CelProgram? MessageExpression, string Rule, string Message, string Reason, string FieldPath, bool OptionalOldSelf)
{
    private static readonly string[] Reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    private static readonly ConditionalWeakTable<Schema, IReadOnlyList<CelRule>> Compiled = [];
    private static readonly ConditionalWeakTable<Schema, StrongBox<bool>> Somewhere = [];

    /// <summary>Compares with the value before: runs on updates only, unless it takes an optional.</summary>
    public bool IsTransition => Program.Uses("oldSelf");

    /// <summary>The rules on values of the schema itself; those of a stored CRD all compile, or it would not have been accepted.</summary>
    public static IReadOnlyList<CelRule> Of(Schema schema) =>
        schema.Validations is null ? [] : Compiled.GetValue(schema, static s => [.. s.Validations!.Select(r => Compile(r, s, "", "", correlatable: true, [])).OfType<CelRule>()]);

    /// <summary>Whether there is any rule on the schema or inside of it.</summary>
    public static bool Any(Schema schema) => Somewhere.GetValue(schema, static s => new StrongBox<bool>(
        s.Validations is { Count: > 0 } || s.Properties.Values.Any(Any) || (s.Items is { } i && Any(i)) || (s.AdditionalProperties is { } a && Any(a)))).Value;

    /// <summary>What the rule and the expression of its message can cost at most.</summary>
    public static (ulong Rule, ulong Message) Cost(JsonNode? source, Schema schema) => (
        CelCost.Of((source.Str("rule") ?? "").Trim(), Variables(source, schema), schema),
        source.Str("messageExpression") is { } message ? CelCost.Of(message, Variables(source, schema), schema) : 0);

    private static (string, CelType)[] Variables(JsonNode? source, Schema schema)
    {
        var type = CelSchemas.TypeOf(schema)!;
        return [("self", type), ("oldSelf", source.Bool("optionalOldSelf") == true ? CelType.Optional(type) : type)];
    }

    /// <param name="source">The rule as written.</param>
    /// <param name="schema">The schema with the rule.</param>
    /// <param name="at">Of the rule in its CRD.</param>
    /// <param name="path">Of the schema in its CRD.</param>
    /// <param name="correlatable">Whether the value before can be told: not inside of lists without keys.</param>
    /// <param name="causes">Receives what is wrong with the rule.</param>
    public static CelRule? Compile(JsonNode? source, Schema schema, string at, string path, bool correlatable, List<StatusCause> causes)
    {
        var before = causes.Count;
        var (rule, message) = ((source.Str("rule") ?? "").Trim(), (source.Str("message") ?? "").Trim());
        void Wrong(string field, string value, string why) => causes.Add(new("FieldValueInvalid", $"Invalid value: {value}: {why}", $"{at}.{field}"));
        if (rule.Length == 0)
        {
            causes.Add(new("FieldValueRequired", "Required value: rule is not specified", at + ".rule"));
            return null;
        }
        if (message.Contains('\n', StringComparison.Ordinal))
            Wrong("message", $"\"{message}\"", "message must not contain line breaks");
        if (rule.Contains('\n', StringComparison.Ordinal) && message.Length == 0)
            causes.Add(new("FieldValueRequired", "Required value: message must be specified if rule contains line breaks", at + ".message"));
        var reason = source.Str("reason") ?? "FieldValueInvalid";
        if (!Reasons.Contains(reason))
            causes.Add(new("FieldValueNotSupported", $"Unsupported value: \"{reason}\": supported values: {string.Join(", ", Reasons.Select(r => $"\"{r}\""))}", at + ".reason"));
        var fieldPath = source.Str("fieldPath") ?? "";
        if (fieldPath.Length > 0 && !Leads(schema, fieldPath))
            Wrong("fieldPath", $"\"{fieldPath}\"", "fieldPath must be a valid path: does not refer to a valid field");
        var optional = source.Bool("optionalOldSelf") == true;
        if (CelSchemas.TypeOf(schema) is null)
        {
            Wrong("rule", $"\"{rule}\"", "compilation failed: rules can't look at a value without a type");
            return null;
        }
        var variables = Variables(source, schema);
        var program = Compile(rule, "rule", variables, CelKind.Bool, "bool", Wrong);
        CelProgram? expression = null;
        if (source.Str("messageExpression") is { } text)
        {
            if (text.Trim().Length == 0)
                causes.Add(new("FieldValueRequired", "Required value: must not be empty", at + ".messageExpression"));
            else
                expression = Compile(text, "messageExpression", variables, CelKind.String, "string", Wrong);
        }
        if (program?.Uses("oldSelf") == true && !correlatable)
            Wrong("rule", $"\"{rule}\"", $"oldSelf cannot be used on the uncorrelatable portion of the schema within {path}");
        if (program is not null && optional && !program.Uses("oldSelf"))
            Wrong("optionalOldSelf", "true", "may not be set if oldSelf is not used in rule");
        return program is null || causes.Count > before ? null : new CelRule(program, expression, rule, message, reason, fieldPath, optional);
    }

    private static CelProgram? Compile(string text, string field, (string, CelType)[] variables, CelKind kind, string name, Action<string, string, string> wrong)
    {
        try
        {
            var program = CelProgram.Compile(text, variables);
            if (program.Type.Kind == kind || program.Type.Kind == CelKind.Dyn)
                return program;
            wrong(field, $"\"{text}\"", $"compilation failed: must evaluate to a {name}");
        }
        catch (CelSyntaxException e)
        {
            wrong(field, $"\"{text}\"", "compilation failed: " + e.Message);
        }
        return null;
    }

    private static bool Leads(Schema schema, string path)
    {
        var at = schema;
        foreach (var step in path.Replace("['", ".", StringComparison.Ordinal).Replace("']", "", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            if (at.Property(step) is not { } next)
                return false;
            at = next;
        }
        return path[0] is '.' or '[';
    }
}
