using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>A semantic version (semver.org). What is built from it doesn't count when two are compared.</summary>
internal sealed class CelVersion : IComparable<CelVersion>
{
    private readonly ulong[] _core;
    private readonly string[] _preRelease;

    private CelVersion(ulong[] core, string[] preRelease) => (_core, _preRelease) = (core, preRelease);

    public long this[int part] => unchecked((long)_core[part]);

    public static CelVersion? Parse(string text)
    {
        var (rest, build) = Cut(text, '+');
        var (numbers, preRelease) = Cut(rest, '-');
        var core = numbers.Split('.');
        if (core.Length != 3 || !core.All(part => IsNumber(part) && ulong.TryParse(part, out _)))
            return null;
        if (build?.Split('.').All(IsIdentifier) == false || preRelease?.Split('.').All(part => IsIdentifier(part) && (!part.All(char.IsAsciiDigit) || IsNumber(part))) == false)
            return null;
        return new CelVersion([.. core.Select(ulong.Parse)], preRelease?.Split('.') ?? []);
    }

    /// <summary>Without a leading v and leading zeros, and with zeros for missing numbers.</summary>
    public static CelVersion? ParseTolerant(string text)
    {
        var parts = (text.StartsWith('v') ? text[1..] : text).Split('.', 3);
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Length > 1 && parts[i].TrimStart('0') is var rest)
                parts[i] = rest.Length == 0 || !char.IsAsciiDigit(rest[0]) ? "0" + rest : rest;
        }
        return parts.Length < 3 && parts[^1].AsSpan().ContainsAny('+', '-') ? null : Parse(string.Join('.', [.. parts, .. Enumerable.Repeat("0", 3 - parts.Length)]));
    }

    public int CompareTo(CelVersion? other)
    {
        for (var i = 0; i < 3; i++)
        {
            if (_core[i].CompareTo(other!._core[i]) is not 0 and var order)
                return order;
        }
        // A version comes after its own pre-releases.
        if (_preRelease.Length == 0 || other!._preRelease.Length == 0)
            return other!._preRelease.Length.CompareTo(_preRelease.Length);
        for (var i = 0; i < Math.Min(_preRelease.Length, other._preRelease.Length); i++)
        {
            if (Compare(_preRelease[i], other._preRelease[i]) is not 0 and var order)
                return order;
        }
        return _preRelease.Length.CompareTo(other._preRelease.Length);
    }

    public override bool Equals(object? obj) => obj is CelVersion other && CompareTo(other) == 0;

    public override int GetHashCode() => HashCode.Combine(_core[0], _core[1], _core[2], _preRelease.Length);

    /// <summary>Numbers by value and before words.</summary>
    private static int Compare(string a, string b) => (a.All(char.IsAsciiDigit), b.All(char.IsAsciiDigit)) switch
    {
        (true, true) => a.Length != b.Length ? a.Length - b.Length : string.CompareOrdinal(a, b),
        (true, false) => -1,
        (false, true) => 1,
        _ => string.CompareOrdinal(a, b),
    };

    private static (string Before, string? After) Cut(string text, char at) =>
        text.IndexOf(at, StringComparison.Ordinal) is >= 0 and var found ? (text[..found], text[(found + 1)..]) : (text, null);

    private static bool IsNumber(string text) => text.Length > 0 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0');

    private static bool IsIdentifier(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}

/// <summary>Kubernetes' semver library, and its one function for JSON patches.</summary>
internal static class CelSemver
{
    public static IEnumerable<CelOverload> All() =>
    [
        new("semver", false, [CelType.String], CelType.Semver, a => Version(a[0], false)),
        new("semver", false, [CelType.String, Bool], CelType.Semver, a => Version(a[0], (bool)a[1]!)),
        new("isSemver", false, [CelType.String], Bool, a => CelVersion.Parse((string)a[0]!) is not null),
        new("isSemver", false, [CelType.String, Bool], Bool, a => ((bool)a[1]! ? CelVersion.ParseTolerant((string)a[0]!) : CelVersion.Parse((string)a[0]!)) is not null),
        Part("major", 0), Part("minor", 1), Part("patch", 2),
        new("isLessThan", true, [CelType.Semver, CelType.Semver], Bool, a => Compared(a) < 0),
        new("isGreaterThan", true, [CelType.Semver, CelType.Semver], Bool, a => Compared(a) > 0),
        new("compareTo", true, [CelType.Semver, CelType.Semver], Int, a => (long)Math.Sign(Compared(a))),
        new("jsonpatch.escapeKey", false, [CelType.String], CelType.String, a => ((string)a[0]!).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)),
    ];

    private static CelVersion Version(object? text, bool tolerant) =>
        (tolerant ? CelVersion.ParseTolerant((string)text!) : CelVersion.Parse((string)text!)) ?? throw new CelException($"\"{text}\" is not a semantic version");

    private static CelOverload Part(string name, int part) => new(name, true, [CelType.Semver], Int, a => ((CelVersion)a[0]!)[part]);

    private static int Compared(object?[] arguments) => ((CelVersion)arguments[0]!).CompareTo((CelVersion)arguments[1]!);
}
