using System.Text;
using System.Text.Json.Nodes;

namespace Troupe.ControlPlane.Admission.Webhooks;

/// <summary>How the API server reaches the webhooks: through a Service that spreads over all replicas, or at one address.</summary>
/// <param name="Url">`https://HOST:PORT` of this process; null for the Service.</param>
public sealed record WebhookAddress(string? Url, string ServiceNamespace, string ServiceName);

/// <summary>The objects that tell the API server what to ask; KubeVirt's names, time limits and failure policy.</summary>
public static class WebhookConfigurations
{
    public const string Mutating = "virt-api-mutator";
    public const string Validating = "virt-api-validator";

    /// <summary>Seconds. Answers take milliseconds; a replica that takes this long is gone, and its readiness probe takes it out of the Service first.</summary>
    private const int Timeout = 10;

    /// <param name="caBundle">PEM; every authority that a replica's certificate may come from.</param>
    public static IReadOnlyDictionary<string, JsonObject> Build(IReadOnlyList<Webhook> webhooks, WebhookAddress address, string caBundle) => new Dictionary<string, JsonObject>
    {
        [$"apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{Mutating}"] =
            Configuration("MutatingWebhookConfiguration", Mutating, webhooks.Where(w => w.IsMutating), address, caBundle),
        [$"apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{Validating}"] =
            Configuration("ValidatingWebhookConfiguration", Validating, webhooks.Where(w => !w.IsMutating), address, caBundle),
    };

    private static JsonObject Configuration(string kind, string name, IEnumerable<Webhook> webhooks, WebhookAddress address, string caBundle) => new()
    {
        ["apiVersion"] = "admissionregistration.k8s.io/v1",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["kubevirt.io"] = name } },
        ["webhooks"] = new JsonArray([.. webhooks.Select(w => (JsonNode)Entry(w, address, caBundle))]),
    };

    private static JsonObject Entry(Webhook webhook, WebhookAddress address, string caBundle)
    {
        var client = new JsonObject { ["caBundle"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(caBundle)) };
        if (address.Url is { } url)
            client["url"] = $"{url}{webhook.Path}";
        else
            client["service"] = new JsonObject { ["namespace"] = address.ServiceNamespace, ["name"] = address.ServiceName, ["path"] = webhook.Path, ["port"] = 443 };
        var entry = new JsonObject
        {
            ["name"] = $"{webhook.Name}.kubevirt.io",
            ["admissionReviewVersions"] = new JsonArray("v1"),
            ["clientConfig"] = client,
            ["failurePolicy"] = "Fail",
            ["matchPolicy"] = "Equivalent",
            ["sideEffects"] = webhook.SideEffects,
            ["timeoutSeconds"] = Timeout,
            ["rules"] = new JsonArray(new JsonObject
            {
                ["apiGroups"] = new JsonArray(webhook.Group),
                ["apiVersions"] = Texts(webhook.Versions),
                ["operations"] = Texts(webhook.Operations),
                ["resources"] = Texts(webhook.Resources),
                ["scope"] = "*",
            }),
        };
        if (webhook.MatchCondition is var (name, expression))
            entry["matchConditions"] = new JsonArray(new JsonObject { ["name"] = name, ["expression"] = expression });
        return entry;
    }

    private static JsonArray Texts(IEnumerable<string> values) => [.. values.Select(v => (JsonNode)v)];
}
