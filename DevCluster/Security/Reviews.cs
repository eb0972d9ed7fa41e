using System.Text.Json.Nodes;
using Troupe.DevCluster.Admission;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security.Rbac;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Security;

/// <summary>The kinds that are questions: token, access and self reviews, and the token subresource of service accounts.</summary>
internal sealed class Reviews(IAuthorizer authorizer, RbacPolicy policy, Authenticator authenticator, ServiceAccountTokens tokens, ObjectStore store)
{
    private const long DefaultTokenSeconds = 3600;
    private const long MinTokenSeconds = 600;

    public IEnumerable<ResourceDefinition> Definitions()
    {
        static ResourceDefinition Of(string type, bool namespaced, Func<VirtualRequest, Task<JsonObject>> answer) =>
            BuiltinResources.Of(type, namespaced) with { Verbs = ["create"], Answer = answer };
        yield return Of("authentication.v1.TokenReview", false, TokenReview);
        yield return Of("authentication.v1.SelfSubjectReview", false, SelfReview);
        yield return Of("authorization.v1.SubjectAccessReview", false, r => AccessReview(r, Subject(r.Body)));
        yield return Of("authorization.v1.LocalSubjectAccessReview", true, r => AccessReview(r, Subject(r.Body)));
        yield return Of("authorization.v1.SelfSubjectAccessReview", false, r => AccessReview(r, r.Context.User));
        yield return Of("authorization.v1.SelfSubjectRulesReview", false, RulesReview);
    }

    public SubresourceDefinition TokenSubresource => new("TokenRequest", "authentication.k8s.io", "v1", ["create"], TokenRequest);

    private Task<JsonObject> TokenReview(VirtualRequest request)
    {
        var body = request.Body;
        var audiences = body.Arr("spec", "audiences")?.Select(a => a.AsString() ?? "").ToList();
        var user = authenticator.Bearer(body.Str("spec", "token") ?? "", audiences, out var matched);
        body["status"] = user is null
            ? new JsonObject { ["user"] = new JsonObject(), ["authenticated"] = false, ["error"] = "invalid bearer token" }
            : new JsonObject { ["authenticated"] = true, ["user"] = user.ToJson(), ["audiences"] = new JsonArray([.. matched.Select(m => (JsonNode)m)]) };
        return Task.FromResult(body);
    }

    private static Task<JsonObject> SelfReview(VirtualRequest request)
    {
        request.Body["status"] = new JsonObject { ["userInfo"] = request.Context.User.ToJson() };
        return Task.FromResult(request.Body);
    }

    private Task<JsonObject> AccessReview(VirtualRequest request, UserInfo user)
    {
        var spec = request.Body.Obj("spec");
        AuthorizationAttributes attributes;
        if (spec.Obj("resourceAttributes") is { } r)
        {
            attributes = new(user, r.Str("verb") ?? "", r.Str("namespace") ?? "", r.Str("group") ?? "", r.Str("version") ?? "",
                r.Str("resource") ?? "", r.Str("subresource") ?? "", r.Str("name") ?? "");
        }
        else if (spec.Obj("nonResourceAttributes") is { } n)
            attributes = new(user, n.Str("verb") ?? "", Path: n.Str("path") ?? "");
        else
        {
            throw ApiException.Invalid("authorization.k8s.io", request.Definition.Kind, "",
                [new("FieldValueInvalid", "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified", "spec.resourceAttributes")]);
        }
        var decision = authorizer.Authorize(attributes);
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0)
            status["reason"] = decision.Reason;
        request.Body["status"] = status;
        return Task.FromResult(request.Body);
    }

    private Task<JsonObject> RulesReview(VirtualRequest request)
    {
        var user = request.Context.User;
        if (request.Body.Str("spec", "namespace") is not { Length: > 0 } ns)
            throw ApiException.BadRequest("no namespace on request");
        PolicyRule[] masters = user.Groups.Contains(RbacAuthorizer.Masters) ? [new(["*"], ["*"], ["*"], [], []), new(["*"], [], [], [], ["*"])] : [];
        var rules = masters.Concat(policy.RulesFor(user, ns).Select(g => g.Rule)).ToList();
        static JsonArray Of(IEnumerable<PolicyRule> rules) => new([.. rules.Select(r => (JsonNode)r.ToJson())]);
        request.Body["status"] = new JsonObject
        {
            ["incomplete"] = false,
            ["resourceRules"] = Of(rules.Where(r => r.Resources.Length > 0)),
            ["nonResourceRules"] = Of(rules.Where(r => r.Urls.Length > 0)),
        };
        return Task.FromResult(request.Body);
    }

    private Task<JsonObject> TokenRequest(VirtualRequest request)
    {
        var account = store.State.Table("/serviceaccounts").Find(request.Namespace, request.Name)
            ?? throw ApiException.NotFound(ResourceKey.ServiceAccounts, request.Name);
        var spec = request.Body.Child("spec");
        var seconds = spec.Int("expirationSeconds") ?? DefaultTokenSeconds;
        if (seconds < MinTokenSeconds)
        {
            throw ApiException.Invalid("authentication.k8s.io", "TokenRequest", request.Name,
                [new("FieldValueInvalid", $"Invalid value: {seconds}: may not specify a duration less than 10 minutes", "spec.expirationSeconds")]);
        }
        if (seconds > 1L << 32)
        {
            throw ApiException.Invalid("authentication.k8s.io", "TokenRequest", request.Name,
                [new("FieldValueInvalid", $"Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds", "spec.expirationSeconds")]);
        }
        var bound = spec.Obj("boundObjectRef") is { } of ? Bound(request, of) : ((string, string, string)?)null;
        var (token, expires) = tokens.Issue(request.Namespace, request.Name, account.Uid,
            spec.Arr("audiences")?.Select(a => a.AsString() ?? "").ToList() ?? [], TimeSpan.FromSeconds(seconds), bound);
        spec["expirationSeconds"] = seconds;
        if (spec.Arr("audiences") is null or { Count: 0 })
            spec["audiences"] = new JsonArray(ServiceAccountTokens.Issuer);
        request.Body["apiVersion"] = "authentication.k8s.io/v1";
        request.Body["kind"] = "TokenRequest";
        request.Body["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = expires!.Value.Kube() };
        return Task.FromResult(request.Body);
    }

    private static UserInfo Subject(JsonObject review)
    {
        var spec = review.Obj("spec");
        return new UserInfo(spec.Str("user") ?? "", spec.Str("uid") ?? "", spec.Arr("groups")?.Select(g => g.AsString() ?? "").ToList() ?? [], new Dictionary<string, IReadOnlyList<string>>());
    }

    /// <summary>The pod or secret with which the token is to die.</summary>
    private (string Kind, string Name, string Uid) Bound(VirtualRequest request, JsonObject of)
    {
        var name = of.Str("name") ?? "";
        var (key, kind) = of.Str("kind") switch
        {
            "Pod" => (ResourceKey.Pods, "pod"),
            "Secret" => (ResourceKey.Secrets, "secret"),
            var other => throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{request.Name}\" to object of type {other}"),
        };
        var found = store.State.Table("/" + key.Plural).Find(request.Namespace, name) ?? throw ApiException.NotFound(key, name);
        if (kind == "pod" && found.Field("spec.serviceAccountName") != request.Name)
            throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{request.Name}\" to pod running with different serviceaccount name.");
        if (of.Str("uid") is { Length: > 0 } uid && uid != found.Uid)
        {
            throw ApiException.Conflict(key, name,
                $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
        }
        return (kind, found.Name, found.Uid);
    }
}
