using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Admission.Webhooks;

/// <summary>What a webhook said; <paramref name="Patch"/> is a JSON patch, <paramref name="Result"/> the Status of a refusal.</summary>
internal sealed record AdmissionVerdict(bool Allowed, JsonObject? Result, JsonArray? Patch, IReadOnlyList<string> Warnings);

/// <summary>The AdmissionReview to and from a webhook, admission.k8s.io/v1 and v1beta1.</summary>
internal static class AdmissionReviews
{
    /// <summary>Kubernetes' limits for warnings of one response: each, and all together, in characters.</summary>
    private const int MaxWarning = 256;

    public static JsonObject Request(AdmissionRequest request, ResourceDefinition shown, JsonObject? obj, JsonObject? oldObj, string version, string uid)
    {
        var body = new JsonObject
        {
            ["uid"] = uid,
            ["kind"] = Kind(request, shown),
            ["resource"] = Resource(shown),
        };
        if (request.Subresource.Length > 0)
            body["subResource"] = request.Subresource;
        body["requestKind"] = Kind(request, request.Definition);
        body["requestResource"] = Resource(request.Definition);
        if (request.Subresource.Length > 0)
            body["requestSubResource"] = request.Subresource;
        if (request.Name.Length > 0)
            body["name"] = request.Name;
        var ns = request.Definition.Key == ResourceKey.Namespaces ? request.Name : request.Namespace;
        if (ns.Length > 0)
            body["namespace"] = ns;
        body["operation"] = request.Operation.ToString().ToUpperInvariant();
        body["userInfo"] = request.Context.User.ToJson();
        body["object"] = obj?.DeepClone();
        body["oldObject"] = oldObj?.DeepClone();
        body["dryRun"] = request.Context.DryRun;
        body["options"] = request.Operation == Operation.Connect ? null : request.Options();
        return new JsonObject { ["kind"] = "AdmissionReview", ["apiVersion"] = "admission.k8s.io/" + version, ["request"] = body };
    }

    /// <exception cref="WebhookCallException">The answer isn't one to this question.</exception>
    public static AdmissionVerdict Verdict(JsonObject review, string version, string uid, bool mutating)
    {
        static WebhookCallException Bad(string why) => new("received invalid webhook response: " + why);
        var response = review.Obj("response") ?? throw Bad("webhook response was absent");
        if (version == "v1")
        {
            if (review.Str("apiVersion") != "admission.k8s.io/v1" || review.Str("kind") != "AdmissionReview")
                throw Bad($"expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {GroupVersionKind(review)}");
            if (response.Str("uid") != uid)
                throw Bad($"expected response.uid=\"{uid}\", got \"{response.Str("uid")}\"");
        }
        JsonArray? patch = null;
        if (response.Str("patch") is { Length: > 0 } encoded)
        {
            if (!mutating)
                throw Bad("validating webhook may not return response.patch");
            if (response.Str("patchType") is not "JSONPatch" and var type && (version == "v1" || type is not null))
                throw Bad(type is null ? "webhook returned response.patch but not response.patchType" : $"webhook returned invalid response.patchType of \"{type}\"");
            patch = Patch(encoded);
        }
        else if (response.Str("patchType") is { Length: > 0 } && version == "v1")
            throw Bad(mutating ? "webhook returned response.patchType but not response.patch" : "validating webhook may not return response.patchType");
        var warnings = (response.Arr("warnings") ?? []).Select(w => w.AsString() ?? "").Where(w => w.Length > 0)
            .Select(w => w.Length > MaxWarning ? w[..MaxWarning] : w).ToList();
        return new AdmissionVerdict(response.Bool("allowed") == true, response.Obj("status"), patch, warnings);
    }

    /// <summary>The refusal as the caller gets it: the webhook's own Status, with who refused in front of its message.</summary>
    public static ApiException Denied(string webhook, JsonObject? result)
    {
        var by = $"admission webhook \"{webhook}\" denied the request";
        var code = (int)(result.Int("code") ?? 0);
        var reason = result.Str("reason") ?? "";
        var message = result.Str("message") is { Length: > 0 } said ? $"{by}: {said}"
            : reason.Length > 0 ? $"{by}: {reason}"
            : by + " without explanation";
        return new ApiException(code is < 400 or > 599 ? 400 : code, reason, message, result.Obj("details")?.Copy());
    }

    private static JsonArray Patch(string encoded)
    {
        try
        {
            return JsonReader.Parse(Convert.FromBase64String(encoded)) as JsonArray
                ?? throw new WebhookCallException("received invalid webhook response: response.patch is not a JSON array");
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new WebhookCallException("received invalid webhook response: response.patch can't be read: " + e.Message, e);
        }
    }

    private static JsonObject Kind(AdmissionRequest request, ResourceDefinition definition)
    {
        var (group, version, kind) = (definition.Key.Group, definition.Key.Version, definition.Kind);
        if (request.Subresource.Length > 0 && definition.Subresources.TryGetValue(request.Subresource, out var sub))
            (group, version, kind) = (sub.Group, sub.Version, sub.Kind);
        return new JsonObject { ["group"] = group, ["version"] = version, ["kind"] = kind };
    }

    private static JsonObject Resource(ResourceDefinition definition) =>
        new() { ["group"] = definition.Key.Group, ["version"] = definition.Key.Version, ["resource"] = definition.Key.Plural };

    private static string GroupVersionKind(JsonObject review) =>
        new StringBuilder(review.Str("apiVersion")).Append(", Kind=").Append(review.Str("kind")).ToString();
}
