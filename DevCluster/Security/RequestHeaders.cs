using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Security;

/// <summary>The headers in which a front proxy passes on who the user is.</summary>
internal static class RequestHeaders
{
    public const string User = "X-Remote-User";
    public const string Group = "X-Remote-Group";
    public const string ExtraPrefix = "X-Remote-Extra-";

    /// <summary>Common name of the one certificate that is believed.</summary>
    public const string AllowedName = "front-proxy-client";

    public static UserInfo? Read(IHeaderDictionary headers)
    {
        if (headers[User].ToString() is not { Length: > 0 } name)
            return null;
        var extra = headers.Where(h => h.Key.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(h => Uri.UnescapeDataString(h.Key[ExtraPrefix.Length..]).ToLowerInvariant(), h => (IReadOnlyList<string>)[.. h.Value.OfType<string>()]);
        var groups = headers[Group].OfType<string>().ToList();
        if (!groups.Contains("system:authenticated"))
            groups.Add("system:authenticated");
        return new UserInfo(name, headers["X-Remote-Uid"].ToString(), groups, extra);
    }

    public static void Write(HttpRequestMessage request, UserInfo user)
    {
        request.Headers.TryAddWithoutValidation(User, user.Name);
        if (user.Uid.Length > 0)
            request.Headers.TryAddWithoutValidation("X-Remote-Uid", user.Uid);
        foreach (var group in user.Groups)
            request.Headers.TryAddWithoutValidation(Group, group);
        foreach (var (key, values) in user.Extra)
            request.Headers.TryAddWithoutValidation(ExtraPrefix + Uri.EscapeDataString(key), values);
    }
}
