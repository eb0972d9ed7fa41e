using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>The Impersonate-* headers (<c>kubectl --as</c>): a user acts as another one if he may impersonate every part of him.</summary>
internal static class Impersonation
{
    private const string Extra = "Impersonate-Extra-";

    /// <exception cref="ApiException">403 where the user may not, 400 for headers without a user.</exception>
    public static UserInfo Apply(UserInfo user, IHeaderDictionary headers, IAuthorizer authorizer)
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
        void Require(string group, string resource, string subresource, string what, string ns = "")
        {
            var attributes = new AuthorizationAttributes(user, "impersonate", ns, group, "v1", resource, subresource, what);
            var decision = authorizer.Authorize(attributes);
            if (!decision.Allowed)
                throw Forbidden.For(attributes, decision.Reason);
        }
        if (name.Split(':') is ["system", "serviceaccount", var ns, var account])
        {
            Require("", "serviceaccounts", "", account, ns);
            if (groups.Count == 0)
                groups = ["system:serviceaccounts", $"system:serviceaccounts:{ns}"];
        }
        else
            Require("", "users", "", name);
        foreach (var group in headers["Impersonate-Group"].OfType<string>())
            Require("", "groups", "", group);
        if (uid.Length > 0)
            Require("authentication.k8s.io", "uids", "", uid);
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                Require("authentication.k8s.io", "userextras", key, value);
        }
        if (name != "system:anonymous" && !groups.Contains("system:unauthenticated") && !groups.Contains("system:authenticated"))
            groups.Add("system:authenticated");
        return new UserInfo(name, uid, groups, extra);
    }
}
