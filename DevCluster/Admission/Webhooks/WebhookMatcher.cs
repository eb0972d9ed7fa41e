using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>Whether a webhook is asked about a request, and in which version of the resource.</summary>
internal static class WebhookMatcher
{
    private const string ConfigurationGroup = "admissionregistration.k8s.io";

    /// <summary>The definition whose shape the webhook is to be shown; null when it isn't concerned.</summary>
    public static ResourceDefinition? Match(Webhook webhook, AdmissionRequest request, StoreState state, ResourceRegistry registry)
    {
        // Otherwise a broken webhook could keep its own configuration from being mended.
        if (request.Definition.Key.Group == ConfigurationGroup)
            return null;
        var shown = Shown(webhook, request, registry);
        return shown is not null && ObjectSelected(webhook, request) && NamespaceSelected(webhook, request, state) ? shown : null;
    }

    private static ResourceDefinition? Shown(Webhook webhook, AdmissionRequest request, ResourceRegistry registry)
    {
        if (webhook.Rules.Any(rule => Concerns(rule, request, request.Definition)))
            return request.Definition;
        if (!webhook.MatchesEquivalent || !request.Definition.IsCustom)
            return null;
        return registry.All.FirstOrDefault(other =>
            other.Table == request.Definition.Table && other.Key != request.Definition.Key && webhook.Rules.Any(rule => Concerns(rule, request, other)));
    }

    public static bool Concerns(WebhookRule rule, AdmissionRequest request, ResourceDefinition definition)
    {
        var key = definition.Key;
        return Has(rule.Operations, request.Operation.ToString().ToUpperInvariant())
            && Has(rule.Groups, key.Group)
            && Has(rule.Versions, key.Version)
            && rule.Resources.Any(r => Names(r, key.Plural, request.Subresource))
            && rule.Scope switch { "Namespaced" => definition.Namespaced, "Cluster" => !definition.Namespaced, _ => true };
    }

    private static bool Has(string[] wanted, string value) => wanted.Contains("*") || wanted.Contains(value);

    private static bool Names(string pattern, string resource, string subresource)
    {
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        var (first, second) = slash < 0 ? (pattern, "") : (pattern[..slash], pattern[(slash + 1)..]);
        return (first == "*" || first == resource) && (second == "*" || second == subresource);
    }

    private static bool ObjectSelected(Webhook webhook, AdmissionRequest request)
    {
        if (webhook.ObjectSelector.Requirements.Count == 0)
            return true;
        return new[] { request.Object, request.OldObject }.Any(o => o is not null
            && webhook.ObjectSelector.Matches((o.Obj("metadata", "labels") ?? []).ToDictionary(l => l.Key, l => l.Value.AsString() ?? "")));
    }

    private static bool NamespaceSelected(Webhook webhook, AdmissionRequest request, StoreState state)
    {
        if (webhook.NamespaceSelector.Requirements.Count == 0)
            return true;
        if (request.Definition.Key == ResourceKey.Namespaces)
        {
            var own = request.Object ?? request.OldObject;
            return webhook.NamespaceSelector.Matches((own.Obj("metadata", "labels") ?? []).ToDictionary(l => l.Key, l => l.Value.AsString() ?? ""));
        }
        if (request.Namespace.Length == 0)
            return true;
        var ns = state.Table("/namespaces").Find("", request.Namespace) ?? throw ApiException.NotFound(ResourceKey.Namespaces, request.Namespace);
        return webhook.NamespaceSelector.Matches(ns.Index.Labels);
    }
}
