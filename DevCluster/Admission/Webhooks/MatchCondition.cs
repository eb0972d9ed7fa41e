using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery.Cel;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>One of a webhook's matchConditions: it is only called for requests for which all of them are true.</summary>
internal sealed record MatchCondition(string Expression, CelProgram Program)
{
    /// <summary>Kubernetes' limit for the conditions of one webhook together.</summary>
    private const long TotalCost = 2_500_000;

    private static readonly (string, CelType)[] Variables = [("object", CelType.Dyn), ("oldObject", CelType.Dyn), ("request", CelType.Dyn), ("authorizer", CelType.Authorizer)];

    public static MatchCondition From(JsonNode? condition)
    {
        var expression = condition.Str("expression") ?? "";
        return new MatchCondition(expression, CelProgram.Compile(expression, Variables));
    }

    public static IEnumerable<StatusCause> Problems(JsonArray? conditions, string path)
    {
        var names = new HashSet<string>();
        foreach (var (condition, i) in (conditions ?? []).Select((c, i) => (c, i)))
        {
            var at = $"{path}[{i}]";
            var (name, expression) = (condition.Str("name") ?? "", condition.Str("expression") ?? "");
            if (name.Length == 0)
                yield return new("FieldValueRequired", "Required value", at + ".name");
            else if (Machinery.Names.LabelKeyProblem(name) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at + ".name");
            else if (!names.Add(name))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at + ".name");
            if (expression.Trim().Length == 0)
                yield return new("FieldValueRequired", "Required value", at + ".expression");
            else if (CompileProblem(expression) is { } why)
                yield return new("FieldValueInvalid", $"Invalid value: \"{expression}\": compilation failed: {why}", at + ".expression");
        }
    }

    private static string? CompileProblem(string expression)
    {
        try
        {
            return CelProgram.Compile(expression, Variables).Type.Kind is CelKind.Bool or CelKind.Dyn ? null : "must evaluate to bool";
        }
        catch (CelSyntaxException e)
        {
            return e.Message;
        }
    }

    /// <summary>Whether a webhook is to be called. Where a condition fails and none is false, its failure policy decides.</summary>
    /// <exception cref="ApiException">403: a condition failed and the policy is to fail.</exception>
    public static bool Hold(Webhook webhook, AdmissionRequest request, ResourceDefinition shown, IAuthorizer authorizer)
    {
        if (webhook.Conditions.Count == 0)
            return true;
        var described = AdmissionReviews.Request(request, shown, null, null, webhook.ReviewVersion, "").Obj("request")!;
        described.Remove("object");
        described.Remove("oldObject");
        var asked = new AuthorizationAttributes(request.Context.User, "", described.Str("namespace") ?? "", request.Definition.Key.Group, "*", request.Definition.Key.Plural, request.Subresource, request.Name);
        (string, object?)[] values =
        [
            ("object", CelValues.From(request.Object)), ("oldObject", CelValues.From(request.OldObject)), ("request", CelValues.From(described)),
            ("authorizer", new CelAuthorizer(authorizer, request.Context.User) { RequestResource = new CelResourceCheck(authorizer, asked) }),
        ];
        var budget = TotalCost;
        var errors = new List<string>();
        foreach (var condition in webhook.Conditions)
        {
            try
            {
                if (condition.Program.Run(values, ref budget) is not true)
                    return false;
            }
            catch (CelException e)
            {
                errors.Add($"expression '{condition.Expression}' resulted in error: {e.Message}");
            }
        }
        if (errors.Count > 0 && !webhook.IgnoresFailure)
            throw ApiException.Forbidden(request.Definition.Key, request.Name, errors.Count == 1 ? errors[0] : $"[{string.Join(", ", errors)}]");
        return errors.Count == 0;
    }
}
