using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

internal static class CelOperators
{
    public static IEnumerable<CelOverload> All() => [.. Logic(), .. Equality(), .. Ordering(), .. Arithmetic(), .. Access()];

    private static CelOverload Of(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, false, arguments, result, run);

    /// <summary>The evaluator runs &amp;&amp;, || and ?: itself, since they don't look at all their operands.</summary>
    private static IEnumerable<CelOverload> Logic() =>
    [
        Of("_&&_", Bool, _ => null, Bool, Bool),
        Of("_||_", Bool, _ => null, Bool, Bool),
        Of("_?_:_", A, _ => null, Bool, A, A),
        Of("!_", Bool, a => !(bool)a[0]!, Bool),
    ];

    private static IEnumerable<CelOverload> Equality() =>
    [
        Of("_==_", Bool, a => CelValues.Same(a[0], a[1]), A, A),
        Of("_!=_", Bool, a => !CelValues.Same(a[0], a[1]), A, A),
        Of("@in", Bool, a => ((CelList)a[1]!).Any(i => CelValues.Same(i, a[0])), A, List(A)),
        Of("@in", Bool, a => a[0] is not null && ((CelMap)a[1]!).Entries.ContainsKey(a[0]!), A, Map(A, B)),
    ];

    private static IEnumerable<CelOverload> Ordering()
    {
        CelType[] numbers = [Int, Uint, CelType.Double];
        foreach (var (name, holds) in new (string, Func<int, bool>)[] { ("_<_", c => c < 0), ("_<=_", c => c <= 0), ("_>_", c => c > 0), ("_>=_", c => c >= 0) })
        {
            foreach (var left in numbers)
            {
                foreach (var right in numbers)
                    yield return Of(name, Bool, a => CelValues.CompareNumbers(a[0]!, a[1]!) is { } c && holds(c), left, right);
            }
            yield return Of(name, Bool, a => holds(string.CompareOrdinal((string)a[0]!, (string)a[1]!)), CelType.String, CelType.String);
            yield return Of(name, Bool, a => holds(((byte[])a[0]!).AsSpan().SequenceCompareTo((byte[])a[1]!)), Bytes, Bytes);
            yield return Of(name, Bool, a => holds(((bool)a[0]!).CompareTo((bool)a[1]!)), Bool, Bool);
            yield return Of(name, Bool, a => holds(((TimeSpan)a[0]!).CompareTo((TimeSpan)a[1]!)), Duration, Duration);
            yield return Of(name, Bool, a => holds(((DateTimeOffset)a[0]!).CompareTo((DateTimeOffset)a[1]!)), Timestamp, Timestamp);
        }
    }

    private static IEnumerable<CelOverload> Arithmetic() =>
    [
        Ints("_+_", (x, y) => checked(x + y)),
        Ints("_-_", (x, y) => checked(x - y)),
        Ints("_*_", (x, y) => checked(x * y)),
        Ints("_/_", (x, y) => y == 0 ? throw new CelException("division by zero") : checked(x / y)),
        Ints("_%_", (x, y) => y == 0 ? throw new CelException("modulus by zero") : y == -1 ? 0 : x % y),
        Uints("_+_", (x, y) => checked(x + y)),
        Uints("_-_", (x, y) => checked(x - y)),
        Uints("_*_", (x, y) => checked(x * y)),
        Uints("_/_", (x, y) => y == 0 ? throw new CelException("division by zero") : x / y),
        Uints("_%_", (x, y) => y == 0 ? throw new CelException("modulus by zero") : x % y),
        Doubles("_+_", (x, y) => x + y),
        Doubles("_-_", (x, y) => x - y),
        Doubles("_*_", (x, y) => x * y),
        Doubles("_/_", (x, y) => x / y),
        Of("-_", Int, a => Checked(() => checked(-(long)a[0]!)), Int),
        Of("-_", CelType.Double, a => -(double)a[0]!, CelType.Double),
        Of("_+_", CelType.String, a => (string)a[0]! + (string)a[1]!, CelType.String, CelType.String),
        Of("_+_", Bytes, a => (byte[])[.. (byte[])a[0]!, .. (byte[])a[1]!], Bytes, Bytes),
        Of("_+_", List(A), a => Concat((CelList)a[0]!, (CelList)a[1]!), List(A), List(A)),
        Of("_+_", Timestamp, a => Time(() => (DateTimeOffset)a[0]! + (TimeSpan)a[1]!), Timestamp, Duration),
        Of("_+_", Timestamp, a => Time(() => (DateTimeOffset)a[1]! + (TimeSpan)a[0]!), Duration, Timestamp),
        Of("_+_", Duration, a => Time(() => (TimeSpan)a[0]! + (TimeSpan)a[1]!), Duration, Duration),
        Of("_-_", Timestamp, a => Time(() => (DateTimeOffset)a[0]! - (TimeSpan)a[1]!), Timestamp, Duration),
        Of("_-_", Duration, a => Time(() => (DateTimeOffset)a[0]! - (DateTimeOffset)a[1]!), Timestamp, Timestamp),
        Of("_-_", Duration, a => Time(() => (TimeSpan)a[0]! - (TimeSpan)a[1]!), Duration, Duration),
    ];

    private static IEnumerable<CelOverload> Access() =>
    [
        Of("_[_]", A, a => Item((CelList)a[0]!, a[1]), List(A), Int),
        Of("_[_]", B, a => Entry((CelMap)a[0]!, a[1]), Map(A, B), A),
        Of("_[_]", Optional(A), a => Through((CelOptional)a[0]!, o => o is CelList l ? Maybe(l, a[1]) : throw new CelException("no such overload")), Optional(List(A)), Int),
        Of("_[?_]", Optional(A), a => Maybe((CelList)a[0]!, a[1]), List(A), Int),
        Of("_[?_]", Optional(B), a => Maybe((CelMap)a[0]!, a[1]), Map(A, B), A),
        Of("_[?_]", Optional(A), a => Through((CelOptional)a[0]!, o => o is CelList l ? Maybe(l, a[1]) : throw new CelException("no such overload")), Optional(List(A)), Int),
        Of("_[?_]", Optional(B), a => Through((CelOptional)a[0]!, o => o is CelMap m ? Maybe(m, a[1]) : throw new CelException("no such overload")), Optional(Map(A, B)), A),
    ];

    private static object? Item(CelList list, object? index) =>
        index is long i and >= 0 && i < list.Count ? list[(int)i] : throw new CelException($"index out of bounds: {index}");

    private static object? Entry(CelMap map, object? key) =>
        key is not null && map.Entries.TryGetValue(key, out var value) ? value : throw new CelException($"no such key: {key}");

    private static CelOptional Maybe(CelList list, object? index) => index is long i and >= 0 && i < list.Count ? new CelOptional(true, list[(int)i]) : CelOptional.None;

    private static CelOptional Maybe(CelMap map, object? key) => key is not null && map.Entries.TryGetValue(key, out var value) ? new CelOptional(true, value) : CelOptional.None;

    private static CelOptional Through(CelOptional optional, Func<object?, CelOptional> next) => optional.HasValue ? next(optional.Value) : optional;

    /// <summary>Sets stay sets: what is there already isn't added.</summary>
    private static CelList Concat(CelList a, CelList b) => a.Type == ListType.Set
        ? new CelList([.. a, .. b.Where(i => !a.Any(have => CelValues.Same(have, i)))], ListType.Set)
        : new CelList([.. a, .. b]);

    private static CelOverload Ints(string name, Func<long, long, long> run) => Of(name, Int, a => Checked(() => run((long)a[0]!, (long)a[1]!)), Int, Int);

    private static CelOverload Uints(string name, Func<ulong, ulong, ulong> run) => Of(name, Uint, a => Checked(() => run((ulong)a[0]!, (ulong)a[1]!)), Uint, Uint);

    private static CelOverload Doubles(string name, Func<double, double, double> run) => Of(name, CelType.Double, a => run((double)a[0]!, (double)a[1]!), CelType.Double, CelType.Double);

    private static object? Checked<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (OverflowException)
        {
            throw new CelException("integer overflow");
        }
    }

    private static object? Time<T>(Func<T> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is OverflowException or ArgumentOutOfRangeException)
        {
            throw new CelException("timestamp overflow");
        }
    }
}
