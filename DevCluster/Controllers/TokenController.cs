using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>Fills secrets of type kubernetes.io/service-account-token with a token that doesn't expire.</summary>
internal sealed class TokenController(ObjectStore store, IKubeApi api, ServiceAccountTokens tokens, Pki pki, ILogger log) : Controller(store, log)
{
    private const string Type = "kubernetes.io/service-account-token";

    protected override bool Interested(StoreEvent e) => e.Type != StoreEventType.Deleted && e.Object.Table is "/secrets" or "/serviceaccounts";

    protected override async Task StartAsync(CancellationToken ct)
    {
        foreach (var secret in Store.State.Table("/secrets").All())
            await FillAsync(secret, ct);
    }

    protected override async Task HandleAsync(StoreEvent e, CancellationToken ct)
    {
        if (e.Object.Table == "/secrets")
            await FillAsync(e.Object, ct);
        else if (e.Type == StoreEventType.Added)
        {
            foreach (var secret in Store.State.Table("/secrets").All(e.Object.Namespace).ToList())
                await FillAsync(secret, ct);
        }
    }

    private async Task FillAsync(StoredObject stored, CancellationToken ct)
    {
        if (stored.Field("type") != Type)
            return;
        var secret = stored.Parse();
        var name = secret.Str("metadata", "annotations", "kubernetes.io/service-account.name") ?? "";
        if (secret.Str("data", "token") is not null || Store.State.Table("/serviceaccounts").Find(stored.Namespace, name) is not { } account)
            return;
        static string Data(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        var (token, _) = tokens.Issue(stored.Namespace, name, account.Uid, [], null, null);
        try
        {
            await api.PatchAsync(ResourceKey.Secrets, stored.Namespace, stored.Name, PatchKind.MergePatch, new JsonObject
            {
                ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["kubernetes.io/service-account.uid"] = account.Uid } },
                ["data"] = new JsonObject { ["token"] = Data(token), ["ca.crt"] = Data(pki.Authority.Pem), ["namespace"] = Data(stored.Namespace) },
            }, ct: ct);
        }
        catch (ApiException e) when (e.Code == 404)
        {
            // Deleted meanwhile.
        }
    }
}
