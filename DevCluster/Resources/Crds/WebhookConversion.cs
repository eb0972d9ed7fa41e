using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission.Webhooks;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>A CRD's conversion webhook: ConversionReviews, apiextensions.k8s.io/v1 or v1beta1. What it made of a stored object is kept with that.</summary>
internal sealed class WebhookConversion(WebhookClient client, WebhookTarget target, string reviewVersion)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly ConditionalWeakTable<StoredObject, ConcurrentDictionary<string, JsonObject>> _converted = [];

    public static WebhookConversion? From(JsonObject? conversion, WebhookClient client) => conversion.Str("strategy") != "Webhook" ? null
        : new WebhookConversion(client, WebhookTarget.From(conversion.Obj("webhook", "clientConfig")),
            (conversion.Arr("webhook", "conversionReviewVersions") ?? []).Select(v => v.AsString()).First(v => v is "v1" or "v1beta1")!);

    /// <summary>Converts many stored objects in one call, so that showing them later costs nothing.</summary>
    /// <exception cref="ApiException">500 when the webhook fails.</exception>
    public async Task PrepareAsync(IEnumerable<StoredObject> stored, string apiVersion, CancellationToken ct)
    {
        var missing = stored.Select(s => (Stored: s, Object: s.Parse()))
            .Where(s => s.Object.Str("apiVersion") != apiVersion && !_converted.GetOrCreateValue(s.Stored).ContainsKey(apiVersion)).ToList();
        if (missing.Count == 0)
            return;
        var made = await ConvertAsync([.. missing.Select(m => m.Object)], apiVersion, ct);
        for (var i = 0; i < made.Count; i++)
            _converted.GetOrCreateValue(missing[i].Stored)[apiVersion] = made[i];
    }

    /// <summary>One stored object in another version; waits for the webhook where nobody prepared it.</summary>
    public JsonObject Converted(StoredObject stored, string apiVersion)
    {
        var known = _converted.GetOrCreateValue(stored);
        if (!known.ContainsKey(apiVersion))
            Task.Run(() => PrepareAsync([stored], apiVersion, CancellationToken.None)).GetAwaiter().GetResult();
        return known[apiVersion].Copy();
    }

    public async Task<JsonObject> ConvertAsync(JsonObject obj, string apiVersion, CancellationToken ct) => (await ConvertAsync([obj], apiVersion, ct))[0];

    private async Task<IReadOnlyList<JsonObject>> ConvertAsync(List<JsonObject> objects, string apiVersion, CancellationToken ct)
    {
        var from = $"{objects[0].Str("apiVersion")}, Kind={objects[0].Str("kind")}";
        ApiException Failed(string why) => ApiException.Internal($"conversion webhook for {from} {why}");
        var uid = Guid.NewGuid().ToString();
        JsonObject answer;
        try
        {
            answer = await client.PostAsync(target, new JsonObject
            {
                ["kind"] = "ConversionReview",
                ["apiVersion"] = "apiextensions.k8s.io/" + reviewVersion,
                ["request"] = new JsonObject { ["uid"] = uid, ["desiredAPIVersion"] = apiVersion, ["objects"] = new JsonArray([.. objects.Select(o => o.DeepClone())]) },
            }, Timeout, ct);
        }
        catch (WebhookCallException e)
        {
            throw Failed("failed: " + e.Message.Replace("failed to call webhook: ", "", StringComparison.Ordinal));
        }
        var response = answer.Obj("response") ?? throw Failed("failed: response was absent");
        if (reviewVersion == "v1" && response.Str("uid") != uid)
            throw Failed($"failed: expected response.uid=\"{uid}\", got \"{response.Str("uid")}\"");
        if (response.Str("result", "status") != "Success")
            throw Failed($"failed: {response.Str("result", "message") ?? "no further details available"}");
        var made = (response.Arr("convertedObjects") ?? []).OfType<JsonObject>().ToList();
        if (made.Count != objects.Count)
            throw Failed($"returned {made.Count} objects, expected {objects.Count}");
        return [.. made.Select((m, i) => Checked(objects[i], m.Copy(), apiVersion, why => Failed($"returned invalid converted object at index {i}: {why}")))];
    }

    /// <summary>A webhook converts what users wrote; of the metadata only labels and annotations are its to change.</summary>
    private static JsonObject Checked(JsonObject original, JsonObject made, string apiVersion, Func<string, ApiException> invalid)
    {
        if (made.Str("apiVersion") != apiVersion)
            throw invalid($"invalid groupVersion (expected {apiVersion}, received {made.Str("apiVersion")})");
        if (made.Str("kind") != original.Str("kind"))
            throw invalid($"invalid kind (expected {original.Str("kind")}, received {made.Str("kind")})");
        if (made.Obj("metadata") is not { } metadata)
            throw invalid("missing metadata in converted object");
        foreach (var field in new[] { "name", "namespace", "uid" })
        {
            if (metadata.Str(field) != original.Str("metadata", field))
                throw invalid($"must have the same {field}: {original.Str("metadata", field)} != {metadata.Str(field)}");
        }
        var kept = original.Meta().Copy();
        foreach (var field in new[] { "labels", "annotations" })
        {
            if (metadata[field] is { } value)
                kept[field] = value.DeepClone();
            else
                kept.Remove(field);
        }
        made["metadata"] = kept;
        return made;
    }
}
