using System.Net;
using System.Net.Sockets;
using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Kubernetes' own types: quantities, URLs, IP addresses and networks.</summary>
internal static class CelKubernetes
{
    public static IEnumerable<CelOverload> All() => [.. Quantities(), .. Urls(), .. Addresses()];

    private static CelOverload Of(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, false, arguments, result, run);

    private static CelOverload Member(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, true, arguments, result, run);

    private static decimal Q(object? value) => (decimal)value!;

    private static IEnumerable<CelOverload> Quantities() =>
    [
        Of("quantity", CelType.Quantity, a => Parse((string)a[0]!) ?? throw new CelException("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"), CelType.String),
        Of("isQuantity", Bool, a => Parse((string)a[0]!) is not null, CelType.String),
        Member("sign", Int, a => (long)Math.Sign(Q(a[0])), CelType.Quantity),
        Member("isInteger", Bool, a => decimal.Truncate(Q(a[0])) == Q(a[0]) && Math.Abs(Q(a[0])) <= long.MaxValue, CelType.Quantity),
        Member("asInteger", Int, a => decimal.Truncate(Q(a[0])) == Q(a[0]) && Math.Abs(Q(a[0])) <= long.MaxValue ? (long)Q(a[0]) : throw new CelException("cannot convert value to integer"), CelType.Quantity),
        Member("asApproximateFloat", CelType.Double, a => (double)Q(a[0]), CelType.Quantity),
        Member("add", CelType.Quantity, a => Q(a[0]) + Q(a[1]), CelType.Quantity, CelType.Quantity),
        Member("add", CelType.Quantity, a => Q(a[0]) + (long)a[1]!, CelType.Quantity, Int),
        Member("sub", CelType.Quantity, a => Q(a[0]) - Q(a[1]), CelType.Quantity, CelType.Quantity),
        Member("sub", CelType.Quantity, a => Q(a[0]) - (long)a[1]!, CelType.Quantity, Int),
        Member("isLessThan", Bool, a => Q(a[0]) < Q(a[1]), CelType.Quantity, CelType.Quantity),
        Member("isGreaterThan", Bool, a => Q(a[0]) > Q(a[1]), CelType.Quantity, CelType.Quantity),
        Member("compareTo", Int, a => (long)Q(a[0]).CompareTo(Q(a[1])), CelType.Quantity, CelType.Quantity),
    ];

    private static decimal? Parse(string text)
    {
        try
        {
            return text.Length > 0 && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1]) && Nodes.Model.Quantity.TryParse(text, out var quantity) ? quantity.Value : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static IEnumerable<CelOverload> Urls() =>
    [
        Of("url", CelType.Url, a => Url((string)a[0]!) ?? throw new CelException("URL parse error during conversion from string"), CelType.String),
        Of("isURL", Bool, a => Url((string)a[0]!) is not null, CelType.String),
        Member("getScheme", CelType.String, a => Absolute(a[0])?.Scheme ?? "", CelType.Url),
        Member("getHost", CelType.String, a => Absolute(a[0]) is { } u ? u.IsDefaultPort && !u.OriginalString.Contains($"{u.Host}:{u.Port}", StringComparison.Ordinal) ? u.Host : $"{u.Host}:{u.Port}" : "", CelType.Url),
        Member("getHostname", CelType.String, a => Absolute(a[0])?.Host.Trim('[', ']') ?? "", CelType.Url),
        Member("getPort", CelType.String, a => Absolute(a[0]) is { } u && u.OriginalString.Contains($"{u.Host}:{u.Port}", StringComparison.Ordinal) ? $"{u.Port}" : "", CelType.Url),
        Member("getEscapedPath", CelType.String, a => EscapedPath((Uri)a[0]!), CelType.Url),
        Member("getQuery", Map(CelType.String, List(CelType.String)), a => Query((Uri)a[0]!), CelType.Url),
    ];

    /// <summary>An absolute URL or an absolute path, as Go's ParseRequestURI.</summary>
    public static Uri? Url(string text) => text.StartsWith('/')
        ? new Uri(text, UriKind.Relative)
        : Uri.TryCreate(text, UriKind.Absolute, out var uri) && text.Contains(':', StringComparison.Ordinal) ? uri : null;

    private static Uri? Absolute(object? url) => url is Uri { IsAbsoluteUri: true } uri ? uri : null;

    private static string EscapedPath(Uri uri)
    {
        if (!uri.IsAbsoluteUri)
            return uri.OriginalString.Split('?', '#')[0];
        return uri.AbsolutePath == "/" && !uri.OriginalString.Split('?', '#')[0].EndsWith('/') ? "" : uri.AbsolutePath;
    }

    private static CelMap Query(Uri uri)
    {
        var text = uri.IsAbsoluteUri ? uri.Query.TrimStart('?') : uri.OriginalString.Split('#')[0].Split('?', 2).ElementAtOrDefault(1) ?? "";
        return new CelMap(text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2))
            .GroupBy(p => WebUtility.UrlDecode(p[0]))
            .ToDictionary(g => (object)g.Key, g => (object?)new CelList([.. g.Select(p => (object?)WebUtility.UrlDecode(p.ElementAtOrDefault(1) ?? ""))])));
    }

    private static IEnumerable<CelOverload> Addresses() =>
    [
        Of("ip", Ip, a => Address((string)a[0]!) ?? throw new CelException("IP Address \"" + a[0] + "\" parse error during conversion from string"), CelType.String),
        Of("isIP", Bool, a => Address((string)a[0]!) is not null, CelType.String),
        Of("cidr", Cidr, a => Network((string)a[0]!) ?? throw new CelException("network address parse error during conversion from string"), CelType.String),
        Of("isCIDR", Bool, a => Network((string)a[0]!) is not null, CelType.String),
        Member("family", Int, a => ((IPAddress)a[0]!).AddressFamily == AddressFamily.InterNetwork ? 4L : 6L, Ip),
        Member("isLoopback", Bool, a => IPAddress.IsLoopback((IPAddress)a[0]!), Ip),
        Member("isUnspecified", Bool, a => a[0]!.Equals(IPAddress.Any) || a[0]!.Equals(IPAddress.IPv6Any), Ip),
        Of("ip.isCanonical", Bool, a => (Address((string)a[0]!) ?? throw new CelException("IP Address \"" + a[0] + "\" parse error during conversion from string")).ToString() == (string)a[0]!, CelType.String),
        Member("isLinkLocalUnicast", Bool, a => IsLinkLocal((IPAddress)a[0]!), Ip),
        Member("isLinkLocalMulticast", Bool, a => ((IPAddress)a[0]!).GetAddressBytes() is var b && (b is [224, 0, 0, _] || b is [0xff, var scope, _, _, _, ..] && (scope & 0x0f) == 2), Ip),
        Member("isGlobalUnicast", Bool, a => IsGlobal((IPAddress)a[0]!), Ip),
        Member("containsIP", Bool, a => ((IPNetwork)a[0]!).Contains((IPAddress)a[1]!), Cidr, Ip),
        Member("containsIP", Bool, a => Address((string)a[1]!) is { } ip ? ((IPNetwork)a[0]!).Contains(ip) : throw new CelException("IP Address \"" + a[1] + "\" parse error during conversion from string"), Cidr, CelType.String),
        Member("containsCIDR", Bool, a => Contains((IPNetwork)a[0]!, (IPNetwork)a[1]!), Cidr, Cidr),
        Member("containsCIDR", Bool, a => Network((string)a[1]!) is { } inner ? Contains((IPNetwork)a[0]!, inner) : throw new CelException("network address parse error during conversion from string"), Cidr, CelType.String),
        Member("prefixLength", Int, a => (long)((IPNetwork)a[0]!).PrefixLength, Cidr),
        Member("ip", Ip, a => ((IPNetwork)a[0]!).BaseAddress, Cidr),
        Member("masked", Cidr, a => a[0], Cidr),
    ];

    /// <summary>Strict: no leading zeros, no zone, no IPv4 in shorthand.</summary>
    private static IPAddress? Address(string text) =>
        IPAddress.TryParse(text, out var ip) && !text.Contains('%', StringComparison.Ordinal) && (ip.AddressFamily == AddressFamily.InterNetworkV6 || ip.ToString() == text) ? ip : null;

    private static bool IsLinkLocal(IPAddress ip) => ip.IsIPv6LinkLocal || ip.GetAddressBytes() is [169, 254, _, _];

    private static bool IsGlobal(IPAddress ip) => !IPAddress.IsLoopback(ip) && !ip.Equals(IPAddress.Any) && !ip.Equals(IPAddress.IPv6Any) && !ip.Equals(IPAddress.Broadcast)
        && !ip.IsIPv6Multicast && ip.GetAddressBytes() is not [>= 224 and < 240, _, _, _] && !IsLinkLocal(ip);

    private static IPNetwork? Network(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || Address(text[..slash]) is not { } ip || !int.TryParse(text.AsSpan(slash + 1), out var length) || length < 0 || length > ip.GetAddressBytes().Length * 8)
            return null;
        var bytes = ip.GetAddressBytes();
        for (var bit = length; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), length);
    }

    private static bool Contains(IPNetwork outer, IPNetwork inner) => outer.PrefixLength <= inner.PrefixLength && outer.Contains(inner.BaseAddress);
}
