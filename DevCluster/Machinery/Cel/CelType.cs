namespace Troupe.DevCluster.Machinery.Cel;

internal enum CelKind
{
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    List,
    Map,
    Object,
    Duration,
    Timestamp,
    Type,
    Optional,
    Quantity,
    Url,
    Ip,
    Cidr,
    Authorizer,
    PathCheck,
    GroupCheck,
    ResourceCheck,
    Decision,
    Format,
    Semver,

    /// <summary>A type variable in the signature of a function.</summary>
    Variable,
}

/// <summary>A type of the language; objects are told apart by their schema.</summary>
internal sealed class CelType(CelKind kind, params CelType[] arguments)
{
    public static readonly CelType Dyn = new(CelKind.Dyn);
    public static readonly CelType Null = new(CelKind.Null);
    public static readonly CelType Bool = new(CelKind.Bool);
    public static readonly CelType Int = new(CelKind.Int);
    public static readonly CelType Uint = new(CelKind.Uint);
    public static readonly CelType Double = new(CelKind.Double);
    public static readonly CelType String = new(CelKind.String);
    public static readonly CelType Bytes = new(CelKind.Bytes);
    public static readonly CelType Duration = new(CelKind.Duration);
    public static readonly CelType Timestamp = new(CelKind.Timestamp);
    public static readonly CelType Type = new(CelKind.Type);
    public static readonly CelType Quantity = new(CelKind.Quantity);
    public static readonly CelType Url = new(CelKind.Url);
    public static readonly CelType Ip = new(CelKind.Ip);
    public static readonly CelType Cidr = new(CelKind.Cidr);
    public static readonly CelType Authorizer = new(CelKind.Authorizer);
    public static readonly CelType PathCheck = new(CelKind.PathCheck);
    public static readonly CelType GroupCheck = new(CelKind.GroupCheck);
    public static readonly CelType ResourceCheck = new(CelKind.ResourceCheck);
    public static readonly CelType Decision = new(CelKind.Decision);
    public static readonly CelType Format = new(CelKind.Format);
    public static readonly CelType Semver = new(CelKind.Semver);
    public static readonly CelType A = new(CelKind.Variable) { Name = "A" };
    public static readonly CelType B = new(CelKind.Variable) { Name = "B" };

    public CelKind Kind => kind;

    public IReadOnlyList<CelType> Arguments => arguments;

    /// <summary>Of a type variable.</summary>
    public string Name { get; private init; } = "";

    /// <summary>Of an object: its fields.</summary>
    public Schema? Schema { get; private init; }

    public static CelType List(CelType item) => new(CelKind.List, item);

    public static CelType Map(CelType key, CelType value) => new(CelKind.Map, key, value);

    public static CelType Optional(CelType value) => new(CelKind.Optional, value);

    public static CelType Object(Schema schema) => new(CelKind.Object) { Schema = schema };

    /// <summary>Whether a value of the actual type can stand where this one is expected; binds the type variables it meets.</summary>
    public bool Accepts(CelType actual, Dictionary<string, CelType> bound)
    {
        if (kind == CelKind.Variable)
        {
            if (!bound.TryGetValue(Name, out var before) || before.Kind == CelKind.Dyn)
            {
                bound[Name] = actual;
                return true;
            }
            if (before.Kind == CelKind.Null && actual.Accepts(before, bound))
            {
                bound[Name] = actual;
                return true;
            }
            return before.Accepts(actual, bound);
        }
        if (kind == CelKind.Dyn || actual.Kind == CelKind.Dyn)
            return true;
        if (actual.Kind == CelKind.Null && kind is CelKind.Object or CelKind.Duration or CelKind.Timestamp or CelKind.Optional or CelKind.Map or CelKind.List)
            return true;
        if (kind != actual.Kind)
            return false;
        if (kind == CelKind.Object)
            return ReferenceEquals(Schema, actual.Schema);
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!arguments[i].Accepts(actual.Arguments[i], bound))
                return false;
        }
        return true;
    }

    /// <summary>With the type variables replaced by what they are bound to.</summary>
    public CelType Bind(Dictionary<string, CelType> bound) => kind switch
    {
        CelKind.Variable => bound.GetValueOrDefault(Name, Dyn),
        _ when arguments.Length == 0 => this,
        _ => new CelType(kind, [.. arguments.Select(a => a.Bind(bound))]),
    };

    public override string ToString() => kind switch
    {
        CelKind.Null => "null",
        CelKind.Duration => "google.protobuf.Duration",
        CelKind.Timestamp => "google.protobuf.Timestamp",
        CelKind.Optional => $"optional_type({arguments[0]})",
        CelKind.Quantity => "kubernetes.Quantity",
        CelKind.Url => "kubernetes.URL",
        CelKind.Ip => "net.IP",
        CelKind.Cidr => "net.CIDR",
        CelKind.Authorizer or CelKind.PathCheck or CelKind.GroupCheck or CelKind.ResourceCheck or CelKind.Decision => $"kubernetes.authorization.{kind}",
        CelKind.Format => "kubernetes.NamedFormat",
        CelKind.Semver => "kubernetes.Semver",
        CelKind.Variable => Name,
        _ when arguments.Length > 0 => $"{kind.ToString().ToLowerInvariant()}({string.Join(", ", arguments.Select(a => a.ToString()))})",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
