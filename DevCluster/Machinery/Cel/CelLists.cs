using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Functions on lists and maps: size, Kubernetes' list library, and sets.</summary>
internal static class CelLists
{
    public static IEnumerable<CelOverload> All() => [.. Sizes(), .. Sums(), .. Order(), .. Sets()];

    private static CelOverload Member(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, true, arguments, result, run);

    private static CelList L(object? value) => (CelList)value!;

    private static IEnumerable<CelOverload> Sizes()
    {
        foreach (var member in new[] { true, false })
        {
            yield return new("size", member, [List(A)], Int, a => (long)L(a[0]).Count);
            yield return new("size", member, [Map(A, B)], Int, a => (long)((CelMap)a[0]!).Entries.Count);
        }
        yield return Member("indexOf", Int, a => IndexOf(L(a[0]), a[1], Enumerable.Range(0, L(a[0]).Count)), List(A), A);
        yield return Member("lastIndexOf", Int, a => IndexOf(L(a[0]), a[1], Enumerable.Range(0, L(a[0]).Count).Reverse()), List(A), A);
    }

    private static IEnumerable<CelOverload> Sums()
    {
        foreach (var (type, zero) in new (CelType, object)[] { (Int, 0L), (Uint, 0UL), (CelType.Double, 0.0), (Duration, TimeSpan.Zero) })
        {
            yield return Member("sum", type, a => L(a[0]).Aggregate(zero, (sum, item) =>
                CelFunctions.Find("_+_", false).FirstOrDefault(o => o.Fits([sum, item]))?.Run([sum, item]) ?? throw new CelException("no such overload")), List(type));
        }
    }

    private static IEnumerable<CelOverload> Order()
    {
        foreach (var type in new[] { Int, Uint, CelType.Double, Bool, Duration, Timestamp, CelType.String, Bytes })
        {
            yield return Member("isSorted", Bool, a => L(a[0]).Zip(L(a[0]).Skip(1)).All(p => !Less(p.Second, p.First)), List(type));
            yield return Member("min", type, a => Extreme(L(a[0]), "min", Less), List(type));
            yield return Member("max", type, a => Extreme(L(a[0]), "max", (x, y) => Less(y, x)), List(type));
        }
    }

    private static IEnumerable<CelOverload> Sets() =>
    [
        new("sets.contains", false, [List(A), List(A)], Bool, a => L(a[1]).All(i => Has(L(a[0]), i))),
        new("sets.intersects", false, [List(A), List(A)], Bool, a => L(a[1]).Any(i => Has(L(a[0]), i))),
        new("sets.equivalent", false, [List(A), List(A)], Bool, a => L(a[1]).All(i => Has(L(a[0]), i)) && L(a[0]).All(i => Has(L(a[1]), i))),
    ];

    private static bool Has(CelList list, object? item) => list.Any(i => CelValues.Same(i, item));

    private static object IndexOf(CelList list, object? item, IEnumerable<int> order) =>
        order.Where(i => CelValues.Same(list[i], item)).Select(i => (long)i).FirstOrDefault(-1);

    private static object? Extreme(CelList list, string name, Func<object?, object?, bool> before) =>
        list.Count == 0 ? throw new CelException($"{name} called on empty list") : list.Aggregate((best, item) => before(item, best) ? item : best);

    private static bool Less(object? a, object? b) =>
        CelFunctions.Find("_<_", false).FirstOrDefault(o => o.Fits([a, b]))?.Run([a, b]) as bool? ?? throw new CelException("no such overload");
}
