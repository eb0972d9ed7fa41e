namespace Troupe.DevCluster.Http;

/// <summary>
/// A path below <c>/api/VERSION</c> or <c>/apis/GROUP/VERSION</c>, taken apart:
/// <c>[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE[/rest…]]]</c>. What the rest means is for the server of the group to say.
/// </summary>
internal sealed record RequestTarget(string Group, string Version, string? Namespace, string Plural, string Name, string Subresource, bool LegacyWatch)
{
    /// <summary>Null when the path isn't one of a resource; an empty plural is the group version itself.</summary>
    public static RequestTarget? Parse(string path)
    {
        var steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string group, version;
        string[] rest;
        switch (steps)
        {
            case ["api", var v, ..]:
                (group, version, rest) = ("", v, steps[2..]);
                break;
            case ["apis", var g, var v, ..]:
                (group, version, rest) = (g, v, steps[3..]);
                break;
            default:
                return null;
        }
        var watch = rest is ["watch", _, ..];
        if (watch)
            rest = rest[1..];
        string? ns = null;
        // "namespaces/x" alone and its subresources are the namespace itself.
        if (rest is ["namespaces", var name, var next, ..] && !(group.Length == 0 && next is "status" or "finalize"))
        {
            ns = Decode(name);
            rest = rest[2..];
        }
        return new RequestTarget(
            Decode(group), Decode(version), ns,
            rest.Length > 0 ? Decode(rest[0]) : "",
            rest.Length > 1 ? Decode(rest[1]) : "",
            rest.Length > 2 ? Decode(rest[2]) : "",
            watch);
    }

    // Kestrel has already decoded everything but an encoded slash.
    private static string Decode(string step) => step.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
