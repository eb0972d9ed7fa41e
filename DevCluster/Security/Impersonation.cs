using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>The Impersonate-* headers (<c>kubectl --as</c>): a user acts as another one if he may impersonate every part of him.</summary>
internal static class Impersonation
{
    private const string Extra = "Impersonate-Extra-";

    /// <exception cref="ApiException">403 where the user may not, 400 for headers without a user.</exception>
    public static async ValueTask<UserInfo> ApplyAsync(UserInfo user, IHeaderDictionary headers, IAuthorizer authorizer, CancellationToken ct)
    {
        var name = headers["Impersonate-User"].ToString();
        var groups = headers["Impersonate-Group"].OfType<string>().ToList();
        var uid = headers["Impersonate-Uid"].ToString();
        var extra = headers.Where(h => h.Key.StartsWith(Extra, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(h => Uri.UnescapeDataString(h.Key[Extra.Length..]).ToLowerInvariant(), h => (IReadOnlyList<string>)[.. h.Value.OfType<string>()]);
        if (name.Length == 0)
        {
            return groups.Count == 0 && uid.Length == 0 && extra.Count == 0
                ? user
                : throw ApiException.Internal("requested impersonation without impersonating a user");
        }
        async ValueTask Require(string group, string resource, string subresource, string what, string ns = "")
        {
            var attributes = new AuthorizationAttributes(user, "impersonate", ns, group, "v1", resource, subresource, what);
            var decision = await authorizer.AuthorizeAsync(attributes, ct);
            if (!decision.Allowed)
                throw Forbidden.For(attributes, decision.Reason);
        }
        if (name.Split(':') is ["system", "serviceaccount", var ns, var account])
        {
            await Require("", "serviceaccounts", "", account, ns);
            if (groups.Count == 0)
                groups = ["system:serviceaccounts", $"system:serviceaccounts:{ns}"];
        }
        else
            await Require("", "users", "", name);
        foreach (var group in headers["Impersonate-Group"].OfType<string>())
            await Require("", "groups", "", group);
        if (uid.Length > 0)
            await Require("authentication.k8s.io", "uids", "", uid);
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                await Require("authentication.k8s.io", "userextras", key, value);
        }
        if (name != "system:anonymous" && !groups.Contains("system:unauthenticated") && !groups.Contains("system:authenticated"))
            groups.Add("system:authenticated");
        return new UserInfo(name, uid, groups, extra);
    }
}
