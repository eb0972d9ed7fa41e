using System.Text.Json.Nodes;
using k8s.Models;
using Troupe.DevCluster.Admission;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Security;

/// <summary>The kinds that are questions: token, access and self reviews, and the token subresource of service accounts.</summary>
internal sealed class Reviews(IAuthorizer authorizer, Authenticator authenticator, ServiceAccountTokens tokens, ObjectStore store)
{
    private const long DefaultTokenSeconds = 3600;
    private const long MinTokenSeconds = 600;

    public IEnumerable<ResourceDefinition> Definitions()
    {
        ResourceDefinition Of<T>(string group, string plural, string kind, bool namespaced, Func<VirtualRequest, Task<JsonObject>> answer) => new()
        {
            Key = new ResourceKey(group, "v1", plural),
            Kind = kind,
            Namespaced = namespaced,
            Verbs = ["create"],
            Schema = new Lazy<Schema>(() => BuiltinSchemas.For<T>()),
            Answer = answer,
        };
        yield return Of<V1TokenReview>("authentication.k8s.io", "tokenreviews", "TokenReview", false, TokenReview);
        yield return Of<V1SelfSubjectReview>("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false, SelfReview);
        yield return Of<V1SubjectAccessReview>("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", false, r => AccessReview(r, Subject(r.Body)));
        yield return Of<V1LocalSubjectAccessReview>("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", true, r => AccessReview(r, Subject(r.Body)));
        yield return Of<V1SelfSubjectAccessReview>("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, r => AccessReview(r, r.Context.User));
        yield return Of<V1SelfSubjectRulesReview>("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, RulesReview);
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

    private async Task<JsonObject> AccessReview(VirtualRequest request, UserInfo user)
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
        var decision = await authorizer.AuthorizeAsync(attributes, CancellationToken.None);
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0)
            status["reason"] = decision.Reason;
        request.Body["status"] = status;
        return request.Body;
    }

    private async Task<JsonObject> RulesReview(VirtualRequest request)
    {
        var all = await authorizer.AuthorizeAsync(
            new AuthorizationAttributes(request.Context.User, "*", request.Body.Str("spec", "namespace") ?? "", "*", "*", "*"), CancellationToken.None);
        static JsonArray Star() => new("*");
        request.Body["status"] = new JsonObject
        {
            ["incomplete"] = false,
            ["resourceRules"] = all.Allowed ? new JsonArray(new JsonObject { ["verbs"] = Star(), ["apiGroups"] = Star(), ["resources"] = Star() }) : [],
            ["nonResourceRules"] = all.Allowed ? new JsonArray(new JsonObject { ["verbs"] = Star(), ["nonResourceURLs"] = Star() }) : [],
        };
        return request.Body;
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
        (string, string, string)? bound = null;
        if (spec.Obj("boundObjectRef") is { } of)
        {
            var pod = of.Str("kind") == "Pod" ? store.State.Table("/pods").Find(request.Namespace, of.Str("name") ?? "") : null;
            if (pod is null && of.Str("kind") == "Pod")
                throw ApiException.NotFound(ResourceKey.Pods, of.Str("name") ?? "");
            if (pod is not null)
                bound = ("pod", pod.Name, pod.Uid);
        }
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
}
