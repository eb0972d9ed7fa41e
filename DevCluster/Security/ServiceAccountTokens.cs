using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Security;

/// <summary>Service-account tokens: ES256 JWTs with the claims Kubernetes puts into its own.</summary>
internal sealed class ServiceAccountTokens(ECDsa key, ObjectStore store, TimeProvider time)
{
    public const string Issuer = "https://kubernetes.default.svc";

    private static readonly string Header = Base64Url.EncodeToString("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"u8);
    private readonly Lock _gate = new();

    /// <param name="ns">Namespace of the account.</param>
    /// <param name="name">Name of the account.</param>
    /// <param name="uid">Uid of the account: a token dies with it.</param>
    /// <param name="audiences">Empty means the API server itself.</param>
    /// <param name="life">Null for a token that doesn't expire (secrets).</param>
    /// <param name="bound">Kind, name and uid of an object with which the token dies.</param>
    public (string Token, DateTimeOffset? Expires) Issue(string ns, string name, string uid, IReadOnlyList<string> audiences, TimeSpan? life, (string Kind, string Name, string Uid)? bound)
    {
        var now = time.GetUtcNow();
        var expires = life is { } span ? now + span : (DateTimeOffset?)null;
        var account = new JsonObject { ["namespace"] = ns, ["serviceaccount"] = new JsonObject { ["name"] = name, ["uid"] = uid } };
        if (bound is { } b)
            account[b.Kind.ToLowerInvariant()] = new JsonObject { ["name"] = b.Name, ["uid"] = b.Uid };
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["sub"] = $"system:serviceaccount:{ns}:{name}",
            ["aud"] = new JsonArray([.. (audiences.Count > 0 ? audiences : [Issuer]).Select(a => (JsonNode)a)]),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = account,
        };
        if (expires is { } end)
            claims["exp"] = end.ToUnixTimeSeconds();
        var signed = $"{Header}.{Base64Url.EncodeToString(claims.ToUtf8())}";
        byte[] signature;
        lock (_gate)
            signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        return ($"{signed}.{Base64Url.EncodeToString(signature)}", expires);
    }

    /// <summary>Null for a token that isn't ours, has expired, is for someone else or whose account or pod is gone.</summary>
    public UserInfo? Verify(string token, IReadOnlyList<string>? audiences, out IReadOnlyList<string> matched)
    {
        matched = [];
        var parts = token.Split('.');
        if (parts.Length != 3 || parts[0] != Header)
            return null;
        JsonObject claims;
        try
        {
            var signature = Base64Url.DecodeFromChars(parts[2]);
            lock (_gate)
            {
                if (!key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), signature, HashAlgorithmName.SHA256))
                    return null;
            }
            claims = JsonReader.ParseObject(Base64Url.DecodeFromChars(parts[1]));
        }
        catch (Exception e) when (e is FormatException or JsonException or CryptographicException)
        {
            return null;
        }
        if (claims.Int("exp") is { } exp && exp < time.GetUtcNow().ToUnixTimeSeconds())
            return null;
        var wanted = audiences is { Count: > 0 } ? audiences : [Issuer];
        matched = [.. (claims.Arr("aud") ?? []).Select(a => a.AsString() ?? "").Where(wanted.Contains)];
        if (matched.Count == 0)
            return null;
        var bound = claims.Obj("kubernetes.io");
        var (ns, name, uid) = (bound.Str("namespace") ?? "", bound.Str("serviceaccount", "name") ?? "", bound.Str("serviceaccount", "uid") ?? "");
        if (store.State.Table("/serviceaccounts").Find(ns, name)?.Uid != uid)
            return null;
        if (bound.Obj("secret") is { } secret && store.State.Table("/secrets").Find(ns, secret.Str("name") ?? "")?.Uid != secret.Str("uid"))
            return null;
        if (bound.Obj("pod") is { } pod && store.State.Table("/pods").Find(ns, pod.Str("name") ?? "")?.Uid != pod.Str("uid"))
            return null;
        var extra = new Dictionary<string, IReadOnlyList<string>>();
        if (claims.Str("jti") is { } id)
            extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id];
        if (bound.Str("pod", "name") is { } podName)
        {
            extra["authentication.kubernetes.io/pod-name"] = [podName];
            extra["authentication.kubernetes.io/pod-uid"] = [bound.Str("pod", "uid") ?? ""];
        }
        return new UserInfo($"system:serviceaccount:{ns}:{name}", uid, ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"], extra);
    }
}
