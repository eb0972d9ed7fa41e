using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>Which webhooks a request concerns, and the asking of one; what validating and mutating webhooks have in common.</summary>
internal sealed class WebhookCalls(ObjectStore store, ResourceRegistry registry, WebhookClient client, IAuthorizer authorizer, ILogger log)
{
    /// <summary>In the order of the configurations' names and of the webhooks within each.</summary>
    public IEnumerable<Webhook> All(string plural) =>
        store.State.Table("admissionregistration.k8s.io/" + plural).All().SelectMany(Webhook.Of);

    public ResourceDefinition? Shown(Webhook webhook, AdmissionRequest request)
    {
        var shown = WebhookMatcher.Match(webhook, request, store.State, registry);
        if (shown is null || !MatchCondition.Hold(webhook, request, shown, authorizer))
            return null;
        if (request.Context.DryRun && webhook.HasSideEffects)
            throw ApiException.BadRequest($"admission webhook \"{webhook.Name}\" does not support dry run");
        return shown;
    }

    /// <summary>The patch the webhook wants, if any; null also where its failure is to be ignored.</summary>
    /// <exception cref="ApiException">It refused, or failed and its policy is to fail.</exception>
    public async Task<JsonArray?> AskAsync(Webhook webhook, AdmissionRequest request, ResourceDefinition shown, bool mutating, CancellationToken ct)
    {
        AdmissionVerdict verdict;
        try
        {
            var uid = Guid.NewGuid().ToString();
            var review = AdmissionReviews.Request(request, shown, As(request.Object, request, shown), As(request.OldObject, request, shown), webhook.ReviewVersion, uid);
            verdict = AdmissionReviews.Verdict(await client.PostAsync(webhook.Target, review, webhook.Timeout, ct), webhook.ReviewVersion, uid, mutating);
        }
        catch (WebhookCallException e)
        {
            if (!webhook.IgnoresFailure)
                throw ApiException.Internal($"failed calling webhook \"{webhook.Name}\": {e.Message}");
            log.LogWarning("Failed calling webhook {Webhook}, failing open: {Why}", webhook.Name, e.Message);
            return null;
        }
        lock (request.Context.Warnings)
            request.Context.Warnings.AddRange(verdict.Warnings);
        return verdict.Allowed ? verdict.Patch : throw AdmissionReviews.Denied(webhook.Name, verdict.Result);
    }

    private static JsonObject? As(JsonObject? obj, AdmissionRequest request, ResourceDefinition shown)
    {
        if (obj is null || shown == request.Definition || request.Subresource is not ("" or "status"))
            return obj;
        var copy = obj.Copy();
        copy["apiVersion"] = shown.ApiVersion;
        return copy;
    }
}
