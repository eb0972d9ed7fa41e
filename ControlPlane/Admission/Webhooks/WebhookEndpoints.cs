using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>Serves the webhooks over HTTP: an AdmissionReview comes in, its answer goes out.</summary>
/// <param name="systemUsers">Accounts of the control plane itself, which may do what users may not.</param>
public sealed class WebhookEndpoints(
    WebhookTable table, IClusterObjects objects, Func<ClusterConfig> config, IReadOnlySet<string> systemUsers, TimeProvider time, ILogger<WebhookEndpoints> log)
{
    /// <summary>Look-ups of other objects may take this long; an error in time is better than the API server's timeout.</summary>
    private static readonly TimeSpan LookUpLimit = TimeSpan.FromSeconds(5);

    public void Map(IEndpointRouteBuilder routes)
    {
        // Some serve two configurations, which tell them what to ask about.
        foreach (var webhook in table.All.DistinctBy(w => w.Path))
            routes.MapPost(webhook.Path, (HttpContext context) => HandleAsync(context, webhook));
    }

    private async Task HandleAsync(HttpContext context, Webhook webhook)
    {
        AdmissionReview? review = null;
        try
        {
            review = await JsonSerializer.DeserializeAsync(context.Request.Body, ReviewJson.Default.AdmissionReview, context.RequestAborted);
        }
        catch (JsonException e)
        {
            log.LogWarning("webhook {Name}: not an AdmissionReview: {Error}", webhook.Name, e.Message);
        }

        if (review?.Request is not { } request)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var response = await AnswerAsync(webhook, request, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, new AdmissionReview { ApiVersion = review.ApiVersion, Kind = "AdmissionReview", Response = response },
            ReviewJson.Default.AdmissionReview, context.RequestAborted);
    }

    internal async Task<AdmissionResponse> AnswerAsync(Webhook webhook, AdmissionRequest request, CancellationToken aborted)
    {
        using var limit = new CancellationTokenSource(LookUpLimit, time);
        using var ct = CancellationTokenSource.CreateLinkedTokenSource(aborted, limit.Token);
        try
        {
            var call = new AdmissionCall(request, config(), objects, systemUsers.Contains(request.UserInfo.Username), time.GetUtcNow());
            return Response(request, await webhook.Admit(call, ct.Token));
        }
        catch (Exception e) when (!aborted.IsCancellationRequested)
        {
            log.LogError(e, "webhook {Name} failed for {Resource} {Namespace}/{Object}", webhook.Name, request.Resource.Resource, request.Namespace, request.Name);
            return Response(request, Verdict.Error($"{webhook.Name}: {e.Message}", StatusCodes.Status500InternalServerError));
        }
    }

    private static AdmissionResponse Response(AdmissionRequest request, AdmissionAnswer answer)
    {
        var response = new AdmissionResponse
        {
            Uid = request.Uid,
            Allowed = answer.Verdict.IsAllowed,
            Status = answer.Verdict.Refusal,
            Warnings = answer.Verdict.Warnings.Count == 0 ? null : answer.Verdict.Warnings,
        };
        if (answer.Mutated is not { } mutated)
            return response;
        var patch = Patch(request.Object, mutated);
        return patch.Count == 0 ? response : response with { Patch = Encoding.UTF8.GetBytes(patch.ToJsonString()), PatchType = "JSONPatch" };
    }

    private static JsonArray Patch(JsonElement before, KubeObject after)
    {
        var changed = JsonPatchDiff.Between(JsonObject.Create(before), JsonSerializer.SerializeToNode(after, after.GetType(), ApiJson.Default));
        // A version that was converted for us stays what it was.
        return [.. changed.Where(o => (string?)o!["path"] is not ("/apiVersion" or "/kind")).Select(o => o!.DeepClone())];
    }
}
