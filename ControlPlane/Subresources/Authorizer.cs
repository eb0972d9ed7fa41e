using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;

namespace Troupe.ControlPlane.Subresources;

/// <summary>What a request is about, in the words of RBAC.</summary>
public sealed record Access(string Verb, string? Namespace, string Resource, string Subresource, string Name)
{
    public string Group { get; init; } = SubresourceApi.Group;
    public string Version { get; init; } = "v1";
}

/// <summary>Asks the API server whether the caller may.</summary>
public sealed class Authorizer(IKubeClient kubernetes, FrontProxy proxy)
{
    /// <summary>Null when the caller may.</summary>
    public async Task<Refusal?> RefusalAsync(HttpContext context, Access access)
    {
        if (proxy.CallerOf(context) is not { } caller)
            return new Refusal(401, "Unauthorized", "Unauthorized");
        var review = await kubernetes.PostRawAsync("apis/authorization.k8s.io/v1/subjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = caller.User,
                ["groups"] = new JsonArray([.. caller.Groups.Select(g => (JsonNode)g)]),
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
        }, context.RequestAborted);
        return (bool?)review["status"]?["allowed"] is true ? null : new Refusal(403, "Forbidden", Denial(caller, access));
    }

    private static string Denial(Caller caller, Access access) =>
        $"{access.Resource}.{access.Group} \"{access.Name}\" is forbidden: User \"{caller.User}\" cannot {access.Verb} resource \"{access.Resource}{(access.Subresource.Length == 0 ? "" : "/" + access.Subresource)}\" in API group \"{access.Group}\" in the namespace \"{access.Namespace}\"";
}
