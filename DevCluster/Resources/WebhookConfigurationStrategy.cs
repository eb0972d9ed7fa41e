using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Webhooks;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Resources;

/// <summary>Validating- and MutatingWebhookConfiguration.</summary>
internal sealed class WebhookConfigurationStrategy(bool mutating) : ResourceStrategy
{
    private const int MaxMatchConditions = 64;
    private static readonly string[] Operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

    public override void Default(JsonObject obj)
    {
        foreach (var webhook in (obj.Arr("webhooks") ?? []).OfType<JsonObject>())
        {
            webhook.Fill("failurePolicy", "Fail");
            webhook.Fill("matchPolicy", "Equivalent");
            webhook.Fill("namespaceSelector", new JsonObject());
            webhook.Fill("objectSelector", new JsonObject());
            webhook.Fill("timeoutSeconds", 10L);
            if (mutating)
                webhook.Fill("reinvocationPolicy", "Never");
            webhook.Obj("clientConfig", "service")?.Fill("port", 443L);
            foreach (var rule in (webhook.Arr("rules") ?? []).OfType<JsonObject>())
                rule.Fill("scope", "*");
        }
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var names = new HashSet<string>();
        foreach (var (webhook, i) in (obj.Arr("webhooks") ?? []).Select((w, i) => (w as JsonObject, i)))
        {
            var at = $"webhooks[{i}]";
            var name = webhook.Str("name") ?? "";
            foreach (var cause in Name(name, at + ".name"))
                yield return cause;
            if (!names.Add(name))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at + ".name");
            foreach (var cause in Webhook(webhook, at))
                yield return cause;
        }
    }

    private static IEnumerable<StatusCause> Name(string name, string at)
    {
        if (name.Length == 0)
            yield return new("FieldValueRequired", "Required value", at);
        else if (Names.DnsSubdomainProblem(name) is { } problem)
            yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at);
        else if (name.Split('.').Length < 3)
            yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": should be a domain with at least three segments separated by dots", at);
    }

    private static IEnumerable<StatusCause> Webhook(JsonObject? webhook, string at)
    {
        var versions = (webhook.Arr("admissionReviewVersions") ?? []).Select(v => v.AsString() ?? "").ToList();
        if (versions.Count == 0)
            yield return new("FieldValueRequired", "Required value: must specify one of v1, v1beta1", at + ".admissionReviewVersions");
        else if (!versions.Any(v => v is "v1" or "v1beta1"))
            yield return new("FieldValueInvalid", $"Invalid value: [{string.Join(",", versions.Select(v => $"\"{v}\""))}]: must include at least one of v1, v1beta1", at + ".admissionReviewVersions");
        foreach (var cause in WebhookTarget.Problems(webhook.Obj("clientConfig"), at + ".clientConfig"))
            yield return cause;
        if (OneOf(webhook, "failurePolicy", at, "Fail", "Ignore") is { } failure)
            yield return failure;
        if (OneOf(webhook, "matchPolicy", at, "Equivalent", "Exact") is { } match)
            yield return match;
        if (OneOf(webhook, "reinvocationPolicy", at, "IfNeeded", "Never") is { } reinvocation)
            yield return reinvocation;
        if (webhook.Str("sideEffects") is null)
            yield return new("FieldValueRequired", "Required value: must specify one of None, NoneOnDryRun", at + ".sideEffects");
        else if (OneOf(webhook, "sideEffects", at, "None", "NoneOnDryRun") is { } effects)
            yield return effects;
        if (webhook.Int("timeoutSeconds") is not (null or (>= 1 and <= 30)) and var timeout)
            yield return new("FieldValueInvalid", $"Invalid value: {timeout}: the timeout value must be between 1 and 30 seconds", at + ".timeoutSeconds");
        foreach (var selector in new[] { "namespaceSelector", "objectSelector" })
        {
            foreach (var cause in SelectorJson.Problems(webhook.Obj(selector), $"{at}.{selector}"))
                yield return cause;
        }
        foreach (var (rule, j) in (webhook.Arr("rules") ?? []).Select((r, j) => (r, j)))
        {
            foreach (var cause in Rule(rule, $"{at}.rules[{j}]"))
                yield return cause;
        }
        foreach (var cause in MatchCondition.Problems(webhook.Arr("matchConditions"), at + ".matchConditions"))
            yield return cause;
        if (webhook.Arr("matchConditions") is { Count: > MaxMatchConditions } many)
            yield return new("FieldValueTooMany", $"Too many: {many.Count}: must have at most {MaxMatchConditions} items", at + ".matchConditions");
    }

    private static IEnumerable<StatusCause> Rule(JsonNode? rule, string at)
    {
        foreach (var field in new[] { "operations", "apiGroups", "apiVersions", "resources" })
        {
            var values = (rule.Arr(field) ?? []).Select(v => v.AsString() ?? "").ToList();
            if (values.Count == 0)
                yield return new("FieldValueRequired", "Required value", $"{at}.{field}");
            if (field != "resources" && values.Count > 1 && values.Contains("*"))
                yield return new("FieldValueInvalid", $"Invalid value: [{string.Join(",", values.Select(v => $"\"{v}\""))}]: if '*' is present, must not specify other {Words(field)}", $"{at}.{field}");
            for (var i = 0; i < values.Count; i++)
            {
                if (field == "operations" && !Operations.Contains(values[i]))
                    yield return new("FieldValueNotSupported", $"Unsupported value: \"{values[i]}\": supported values: {string.Join(", ", Operations.Select(o => $"\"{o}\""))}", $"{at}.operations[{i}]");
                if (field is "resources" or "apiVersions" && values[i].Length == 0)
                    yield return new("FieldValueRequired", "Required value", $"{at}.{field}[{i}]");
            }
        }
        if (OneOf(rule, "scope", at, "*", "Cluster", "Namespaced") is { } scope)
            yield return scope;
    }

    private static string Words(string field) => field switch { "apiGroups" => "API groups", "apiVersions" => "API versions", _ => field };

    private static StatusCause? OneOf(JsonNode? obj, string field, string at, params string[] allowed) =>
        obj.Str(field) is not { } value || allowed.Contains(value) ? null
        : new("FieldValueNotSupported", $"Unsupported value: \"{value}\": supported values: {string.Join(", ", allowed.Select(a => $"\"{a}\""))}", $"{at}.{field}");
}
