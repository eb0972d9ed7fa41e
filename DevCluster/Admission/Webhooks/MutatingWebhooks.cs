using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>
/// Asks the mutating webhooks one after the other, each about what the ones before it have made of the object; those that wish it are
/// asked a second time when a later one changed the object.
/// </summary>
internal sealed class MutatingWebhooks(WebhookCalls calls) : IAdmissionStep
{
    public async ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        var earlier = new List<Webhook>();
        var again = new HashSet<Webhook>();
        foreach (var webhook in calls.All("mutatingwebhookconfigurations"))
        {
            if (calls.Shown(webhook, request) is not { } shown)
                continue;
            if (await ChangeAsync(webhook, request, shown, ct))
                again.UnionWith(earlier);
            if (webhook.ReinvokesIfNeeded)
                earlier.Add(webhook);
        }
        foreach (var webhook in earlier.Where(again.Contains))
        {
            if (calls.Shown(webhook, request) is { } shown)
                await ChangeAsync(webhook, request, shown, ct);
        }
    }

    private async Task<bool> ChangeAsync(Webhook webhook, AdmissionRequest request, ResourceDefinition shown, CancellationToken ct)
    {
        if (await calls.AskAsync(webhook, request, shown, mutating: true, ct) is not { Count: > 0 } patch)
            return false;
        if (request.Object is not { } obj)
            throw ApiException.Internal($"admission webhook \"{webhook.Name}\" attempted to modify the object, which is not supported for this operation");
        var changed = Patched(webhook, obj, patch);
        if (request.Subresource is "" or "status")
        {
            changed["apiVersion"] = request.Definition.ApiVersion;
            ObjectRules.Decode(new RequestContext(request.Context.User), request.Definition, changed);
            if (request.Definition.IsCustom)
                SchemaWalk.Default(changed, request.Definition.Schema.Value);
            request.Definition.Strategy.Default(changed);
        }
        if (changed.SameAs(obj))
            return false;
        obj.Become(changed);
        return true;
    }

    private static JsonObject Patched(Webhook webhook, JsonObject obj, JsonArray patch)
    {
        try
        {
            return JsonPatch.Apply(obj, patch) as JsonObject ?? throw ApiException.Internal($"admission webhook \"{webhook.Name}\" made something else of the object");
        }
        catch (Exception e) when (e is ApiException { Code: < 500 } or JsonException)
        {
            throw ApiException.Internal(e.Message);
        }
    }
}
