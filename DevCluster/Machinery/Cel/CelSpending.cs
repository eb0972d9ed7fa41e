using System.Net;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>
/// What running costs, in Kubernetes' units: an access or an ordinary call is 1, a new list 10, a new map 30, going through a string a tenth of its
/// length. <see cref="CelCost"/> reckons with the same numbers before anything is known of the values.
/// </summary>
internal static class CelSpending
{
    public const long NewList = 10, NewMap = 30;
    private const double Traversal = 0.1, Regex = 0.25;

    /// <summary>Of a macro, besides its range: how it starts, what one step costs apart from condition and result, and what the end costs.</summary>
    /// <param name="Start">The value that is built up.</param>
    /// <param name="Look">The test before each step whether to go on.</param>
    /// <param name="Kept">A step for an item that the condition lets through.</param>
    /// <param name="Other">A step for any other.</param>
    /// <param name="End">What is made of the value in the end.</param>
    public readonly record struct Loop(long Start, long Look, long Kept, long Other, long End);

    public static Loop Of(CelMacroKind kind) => kind switch
    {
        CelMacroKind.All => new(0, 2, 1, 1, 1),
        CelMacroKind.Exists => new(0, 3, 1, 1, 1),
        CelMacroKind.ExistsOne => new(0, 0, 2, 1, 2),
        CelMacroKind.Filter => new(NewList, 0, 3 + NewList, 1, 1),
        CelMacroKind.Map => new(NewList, 0, 2 + NewList, 1, 1),
        CelMacroKind.TransformMap => new(NewMap, 0, 3, 1, 1),
        _ => new(NewMap, 0, 2, 1, 1),
    };

    /// <summary>A call besides its arguments; for a member function the first of them is what stands before the dot.</summary>
    public static long Call(string function, object?[] a) => function switch
    {
        "check" => CelAuthorization.CheckCost,
        "fieldSelector" or "labelSelector" => 10 + Factor(Size(a[1]), Traversal) + Factor(Factor(Size(a[1]), 0.5), 50),
        "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" => Through(a[0]),
        "url" or "lowerAscii" or "upperAscii" or "substring" or "trim" or "jsonpatch.escapeKey" or "quantity" or "isQuantity" or "semver" or "isSemver" or "cidr" or "isIP" or "isCIDR"
            or "format" or "strings.quote" => Factor(Size(a[0]), Traversal),
        "ip.isCanonical" => Factor(Size(a[0]), 2 * Traversal),
        "ip" when a[0] is string => Factor(Size(a[0]), Traversal),
        "replace" or "split" => Factor(Size(a[0]), 2 * Traversal),
        "find" or "findAll" or "matches" => Factor(1 + Size(a[0]), Traversal) * Factor(Size(a[1]), Regex),
        "containsIP" => Factor(2 * Size(a[0]), Traversal) + (a[1] is string ? Factor(Size(a[1]), Traversal) : 0),
        "containsCIDR" => Factor(2 * Size(a[0]), Traversal) + Factor(Size(a[0]), Traversal) + 1 + (a[1] is string ? Factor(Size(a[1]), Traversal) : 0),
        "validate" => Factor(1 + Size(a[1]), Traversal) * Factor(((CelFormat)a[0]!).Length, Regex),
        "sets.contains" or "sets.intersects" => 1 + Size(a[0]) * Size(a[1]),
        "sets.equivalent" => 1 + 2 * Size(a[0]) * Size(a[1]),
        "contains" when a[0] is string => Factor(Size(a[0]), Traversal) * Factor(Size(a[1]), Traversal),
        "startsWith" or "endsWith" => Factor(Size(a[1]), Traversal),
        "string" when a[0] is byte[] => Factor(Size(a[0]), Traversal),
        "bytes" when a[0] is string => Factor(Size(a[0]), Traversal),
        "@in" when a[1] is CelList => Size(a[1]),
        "_+_" when a[0] is string or byte[] => Factor(Size(a[0]) + Size(a[1]), Traversal),
        "_==_" when a[0] is Uri or IPAddress or IPNetwork => 1,
        "_==_" or "_!=_" => Factor(Math.Min(Size(a[0]), Size(a[1])), Traversal),
        "_<_" or "_<=_" or "_>_" or "_>=_" when a[0] is string or byte[] => Factor(Math.Min(Size(a[0]), Size(a[1])), Traversal),
        _ => 1,
    };

    /// <summary>Where the cost follows from what came out.</summary>
    public static long Result(string function, object? result) => function == "join" ? Factor(Size(result), 2 * Traversal) - 1 : 0;

    private static long Size(object? value) => value switch
    {
        string text => text.EnumerateRunes().Count(),
        byte[] bytes => bytes.Length,
        CelList list => list.Count,
        CelMap map => map.Entries.Count,
        CelStruct obj => obj.Json.Count,
        IPAddress ip => ip.GetAddressBytes().Length,
        IPNetwork network => Factor(network.PrefixLength, 1 / 8.0),
        _ => 1,
    };

    private static long Through(object? value) => value switch
    {
        string text => (long)(System.Text.Encoding.UTF8.GetByteCount(text) * Traversal),
        byte[] bytes => (long)(bytes.Length * Traversal),
        CelList list => list.Sum(Through),
        CelMap map => map.Entries.Sum(e => Through(e.Key) + Through(e.Value)),
        _ => 1,
    };

    private static long Factor(long size, double factor) => (long)Math.Ceiling(size * factor);
}
