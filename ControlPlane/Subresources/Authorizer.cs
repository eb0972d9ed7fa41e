using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;

namespace Troupe.ControlPlane.Subresources;

/// <summary>What a request is about, in the words of RBAC.</summary>
public sealed record Access(string Verb, string? Namespace, string Resource, string Subresource, string Name)
{
    public string Group { get; init; } = SubresourceApi.Group;
    /// <summary>That of the request's path when it is not given.</summary>
    public string? Version { get; init; }
}

/// <summary>Asks the API server whether the caller may.</summary>
public sealed class Authorizer(IKubeClient kubernetes, FrontProxy proxy)
{
    /// <summary>Null when the caller may.</summary>
    public async Task<Refusal?> RefusalAsync(HttpContext context, Access access)
    {
        if (proxy.CallerOf(context) is not { } caller)
            return new Refusal(401, "Unauthorized", "request is not authenticated");
        var review = await kubernetes.PostRawAsync("apis/authorization.k8s.io/v1/subjectaccessreviews", Review(caller, access with { Version = access.Version ?? VersionOf(context.Request.Path) }), context.RequestAborted);
        return (bool?)review["status"]?["allowed"] is true ? null : new Refusal(403, "Forbidden", Denial(caller, access));
    }

    /// <summary>What the API server is asked. Its webhooks may decide by what the caller's authenticator added.</summary>
    public static JsonObject Review(Caller caller, Access access) => new()
    {
        ["apiVersion"] = "authorization.k8s.io/v1",
        ["kind"] = "SubjectAccessReview",
        ["spec"] = new JsonObject
        {
            ["user"] = caller.User,
            ["groups"] = new JsonArray([.. caller.Groups.Select(g => (JsonNode)g)]),
            ["extra"] = new JsonObject(caller.Extra.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)new JsonArray([.. e.Value.Select(v => (JsonNode)v)])))),
            ["resourceAttributes"] = new JsonObject
            {
                ["namespace"] = access.Namespace,
                ["verb"] = access.Verb,
                ["group"] = access.Group,
                ["version"] = access.Version,
                ["resource"] = access.Resource,
                ["subresource"] = access.Subresource,
                ["name"] = access.Name,
            },
        },
    };

    /// <summary>`/apis/GROUP/VERSION/…`</summary>
    private static string? VersionOf(PathString path) => path.Value?.Split('/') is [_, "apis", _, var version, ..] ? version : null;

    private static string Denial(Caller caller, Access access) =>
        $"{access.Resource}.{access.Group} \"{access.Name}\" is forbidden: User \"{caller.User}\" cannot {access.Verb} resource \"{access.Resource}{(access.Subresource.Length == 0 ? "" : "/" + access.Subresource)}\" in API group \"{access.Group}\" in the namespace \"{access.Namespace}\"";
}
