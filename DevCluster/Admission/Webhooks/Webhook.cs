using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>What a webhook wants to hear of; <c>*</c> stands for all.</summary>
internal sealed record WebhookRule(string[] Operations, string[] Groups, string[] Versions, string[] Resources, string Scope)
{
    public static WebhookRule From(JsonNode? rule)
    {
        string[] Strings(string name) => [.. rule.Arr(name)?.Select(i => i.AsString()).OfType<string>() ?? []];
        return new WebhookRule(Strings("operations"), Strings("apiGroups"), Strings("apiVersions"), Strings("resources"), rule.Str("scope") ?? "*");
    }
}

/// <summary>One webhook of a stored configuration.</summary>
internal sealed record Webhook
{
    private static readonly ConditionalWeakTable<StoredObject, IReadOnlyList<Webhook>> Parsed = [];

    public required string Configuration { get; init; }
    public required string Name { get; init; }
    public required WebhookTarget Target { get; init; }
    public required IReadOnlyList<WebhookRule> Rules { get; init; }
    public required LabelSelector NamespaceSelector { get; init; }
    public required LabelSelector ObjectSelector { get; init; }
    public required IReadOnlyList<MatchCondition> Conditions { get; init; }
    public required bool IgnoresFailure { get; init; }
    public required bool MatchesEquivalent { get; init; }
    public required bool ReinvokesIfNeeded { get; init; }
    public required bool HasSideEffects { get; init; }

    /// <summary>The first of its admissionReviewVersions that this server speaks.</summary>
    public required string ReviewVersion { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>Parsed once for each stored version of the configuration.</summary>
    public static IReadOnlyList<Webhook> Of(StoredObject configuration) => Parsed.GetValue(configuration, static stored =>
    {
        var obj = stored.Parse();
        return [.. (obj.Arr("webhooks") ?? []).OfType<JsonObject>().Select(w => From(stored.Name, w))];
    });

    private static Webhook From(string configuration, JsonObject w) => new()
    {
        Configuration = configuration,
        Name = w.Str("name") ?? "",
        Target = WebhookTarget.From(w.Obj("clientConfig")),
        Rules = [.. (w.Arr("rules") ?? []).Select(WebhookRule.From)],
        NamespaceSelector = SelectorJson.Parse(w.Obj("namespaceSelector")),
        ObjectSelector = SelectorJson.Parse(w.Obj("objectSelector")),
        Conditions = [.. (w.Arr("matchConditions") ?? []).Select(MatchCondition.From)],
        IgnoresFailure = w.Str("failurePolicy") == "Ignore",
        MatchesEquivalent = w.Str("matchPolicy") != "Exact",
        ReinvokesIfNeeded = w.Str("reinvocationPolicy") == "IfNeeded",
        HasSideEffects = w.Str("sideEffects") is not ("None" or "NoneOnDryRun"),
        ReviewVersion = (w.Arr("admissionReviewVersions") ?? []).Select(v => v.AsString()).FirstOrDefault(v => v is "v1" or "v1beta1") ?? "v1",
        Timeout = TimeSpan.FromSeconds(w.Int("timeoutSeconds") ?? 10),
    };
}
