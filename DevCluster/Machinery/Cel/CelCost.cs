namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>
/// What a rule can cost at most, in Kubernetes' units and by its estimates, so that the same rules are refused here and there: an access is 1,
/// a loop its body times the largest size of what it goes over, and going through a string a tenth of its length.
/// </summary>
internal sealed class CelCost
{
    private const double Traversal = 0.1;
    private const double Regex = 0.25;
    private const double FormatRegex = 128 * Regex;
    private const ulong NewList = 10, NewMap = 30;
    private readonly CelChecker _checker;
    private readonly CelPath _root;

    private CelCost(CelChecker checker, Schema self) => (_checker, _root) = (checker, new CelPath(true, self));

    /// <param name="source">An expression that compiles.</param>
    /// <param name="variables">What it may refer to.</param>
    /// <param name="self">Of the value that it looks at.</param>
    public static ulong Of(string source, IEnumerable<(string Name, CelType Type)> variables, Schema self)
    {
        var (root, checker) = (CelParser.Parse(source), new CelChecker(source));
        checker.Check(root, variables.Aggregate((CelChecker.Scope?)null, (outer, v) => new CelChecker.Scope(v.Name, v.Type, outer)));
        return new CelCost(checker, self).Estimate(root, null).Cost;
    }

    /// <summary>Where in the value a result comes from; there, its schema tells how large it can be. Null where that isn't known.</summary>
    private readonly record struct CelPath(bool Known, Schema? Schema);

    /// <summary>Of keys nothing is reckoned.</summary>
    private static readonly Schema Key = new() { Type = SchemaType.Boolean };

    private readonly record struct Size(ulong Min, ulong Max)
    {
        public static readonly Size Unknown = new(0, ulong.MaxValue);

        public Size Union(Size other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));
    }

    /// <summary>Of the keys and values of a list or map that was made here.</summary>
    private sealed record Entries(Size Keys, Size Values)
    {
        public static Entries? Union(Entries? a, Entries? b) => a is null || b is null ? null : new Entries(a.Keys.Union(b.Keys), a.Values.Union(b.Values));
    }

    private sealed record Result(ulong Cost, CelType Type)
    {
        public Size? Size { get; init; }

        public CelPath Path { get; init; }

        public Entries? Entries { get; init; }

        public Size SizeOrUnknown => Size ?? CelCost.Size.Unknown;
    }

    private sealed record Scope(string Name, CelPath Path, Size? Size, Scope? Outer)
    {
        public Scope? Find(string name) => Name == name ? this : Outer?.Find(name);
    }

    private Result Estimate(CelNode node, Scope? scope)
    {
        var type = _checker.Types[node];
        switch (node)
        {
            case CelLiteral literal:
                return new Result(0, type) { Size = Exactly(literal.Value switch { string s => Length(s), byte[] b => (ulong)b.Length, _ => 1 }) };
            case CelIdent ident:
                var variable = scope?.Find(ident.Name);
                var path = variable?.Path ?? _root;
                return new Result(1, type) { Path = path, Size = Sized(path, type) ?? variable?.Size };
            case CelSelect select:
                return Select(select, Estimate(select.Target, scope), type);
            case CelListLiteral list:
                var items = list.Items.Select(i => Estimate(i, scope)).ToList();
                return new Result(Sum(items) + NewList, type) { Size = Exactly((ulong)items.Count), Entries = new Entries(Exactly(1), All(items)) };
            case CelMapLiteral map:
                var (keys, values) = (map.Entries.Select(e => Estimate(e.Key, scope)).ToList(), map.Entries.Select(e => Estimate(e.Value, scope)).ToList());
                return new Result(Plus(Sum(keys), Sum(values), NewMap), type) { Size = Exactly((ulong)keys.Count), Entries = new Entries(All(keys), All(values)) };
            case CelMacro macro:
                return Macro(macro, Estimate(macro.Target, scope), scope, type);
            default:
                return Call((CelCall)node, scope, type);
        }
    }

    private Result Select(CelSelect select, Result target, CelType type)
    {
        if (select.Test)
            return new Result(target.Cost, type) { Size = Exactly(1) };
        if (select.Optional)
            return new Result(Plus(target.Cost, 1), type) { Size = Scalar(type) };
        var path = Step(target.Path, schema => CelSchemas.Field(schema, select.Field));
        return new Result(Plus(target.Cost, target.Type.Kind is CelKind.Map or CelKind.Object ? 1UL : 0), type) { Path = path, Size = Sized(path, type) };
    }

    /// <summary>The first step of a path is taken for the variable, whatever it is, as Kubernetes does.</summary>
    private CelPath Step(CelPath path, Func<Schema, Schema?> next) => path.Known ? new CelPath(true, path.Schema is { } at ? next(at) : null) : _root;

    private static Schema? Element(Schema schema) => schema.Type == SchemaType.Array ? schema.Items : schema.AdditionalProperties;

    private static Size? Sized(CelPath path, CelType type) => path.Schema is { } schema ? new Size(0, CelSizes.Most(schema)) : Scalar(type);

    private static Size? Scalar(CelType type) => type.Kind switch
    {
        CelKind.Bool or CelKind.Double or CelKind.Duration or CelKind.Int or CelKind.Timestamp or CelKind.Uint => Exactly(1),
        CelKind.Optional => Scalar(type.Arguments[0]),
        _ => null,
    };

    private Result Macro(CelMacro macro, Result target, Scope? scope, CelType type)
    {
        if (macro.Kind is CelMacroKind.OptMap or CelMacroKind.OptFlatMap)
        {
            // target.hasValue() ? [optional.of](with target.value() as the variable, what is made of it) : optional.none()
            var made = Estimate(macro.Result!, new Scope(macro.Variable, default, null, scope)).Cost;
            return new Result(Plus(target.Cost, 1, NewList, target.Cost, 1, made, macro.Kind == CelMacroKind.OptMap ? 1UL : 0), type) { Size = Scalar(type) };
        }
        var value = new Scope(macro.Second ?? macro.Variable, Step(target.Path, Element), target.Entries?.Values, scope);
        var key = new Scope(macro.Variable, Step(target.Path, s => s.Type == SchemaType.Array ? null : Key), target.Entries?.Keys, scope);
        var inside = macro.Second is not null ? value with { Outer = key } : target.Type.Kind == CelKind.List ? value : key;
        var condition = macro.Condition is null ? null : Estimate(macro.Condition, inside);
        var result = macro.Result is null ? null : Estimate(macro.Result, inside);
        var (predicate, each) = (condition?.Cost ?? 0, result?.Cost ?? 0);
        // As the comprehension that the macro stands for: what it starts with, a step for each, the result; a step adds to a list or a map, or tests and counts.
        var (start, step, end) = macro.Kind switch
        {
            CelMacroKind.All => (0UL, Plus(predicate, 3), 1UL),
            CelMacroKind.Exists => (0UL, Plus(predicate, 4), 1UL),
            CelMacroKind.ExistsOne => (0UL, Plus(predicate, 2), 2UL),
            CelMacroKind.Filter => (NewList, Plus(predicate, 3, NewList), 1UL),
            CelMacroKind.Map => (NewList, Plus(predicate, each, 2, NewList), 1UL),
            CelMacroKind.TransformMap => (NewMap, Plus(predicate, each, 3), 1UL),
            _ => (NewMap, Plus(predicate, each, 2), 1UL),
        };
        var range = target.SizeOrUnknown;
        var cost = Plus(target.Cost, start, Times(range.Max, step), end);
        return macro.Kind switch
        {
            CelMacroKind.Filter => new Result(cost, type) { Size = range, Entries = Grown(Sized(inside.Path, Kind(target.Type)) ?? inside.Size) },
            CelMacroKind.Map => new Result(cost, type) { Size = range, Entries = Grown(result!.Size) },
            CelMacroKind.TransformMap or CelMacroKind.TransformMapEntry => new Result(cost, type) { Size = range },
            _ => new Result(cost, type) { Size = Exactly(1) },
        };
    }

    /// <summary>A list that began empty.</summary>
    private static Entries Grown(Size? item) => new(Exactly(1), new Size(0, (item ?? Size.Unknown).Max));

    private static CelType Kind(CelType range) => range.Arguments.Count > 0 ? range.Arguments[0] : CelType.Dyn;

    private Result Call(CelCall call, Scope? scope, CelType type)
    {
        var target = call.Target is { } member ? Estimate(member, scope) : null;
        var arguments = call.Arguments.Select(a => Estimate(a, scope)).ToList();
        var before = Plus(target?.Cost ?? 0, Sum(arguments));
        switch (call.Function)
        {
            case "_&&_" or "_||_":
                return new Result(before, type) { Size = Exactly(1) };
            case "_?_:_":
                return new Result(Plus(arguments[0].Cost, Math.Max(arguments[1].Cost, arguments[2].Cost)), type)
                {
                    Size = arguments[1].SizeOrUnknown.Union(arguments[2].SizeOrUnknown),
                    Entries = Entries.Union(arguments[1].Entries, arguments[2].Entries),
                };
            case "dyn":
                return new Result(Plus(before, 1), type) { Size = arguments[0].Size, Entries = arguments[0].Entries };
            case "_[_]":
                var path = Step(arguments[0].Path, Element);
                return new Result(Plus(before, 1), type) { Path = path, Size = arguments[0].Entries?.Values ?? Sized(path, type) };
        }
        var (cost, size) = Function(call.Function, target, arguments);
        return new Result(Plus(before, cost), type)
        {
            Size = size ?? Scalar(type),
            Entries = call.Function == "_+_" ? Entries.Union(arguments[0].Entries, arguments[1].Entries) : null,
        };
    }

    /// <summary>The call itself, and the size of what it returns where that follows from the arguments.</summary>
    private (ulong Cost, Size? Size) Function(string name, Result? target, List<Result> arguments)
    {
        Size Of(int i) => arguments[i].SizeOrUnknown;
        var self = target?.SizeOrUnknown ?? default;
        switch (name)
        {
            case "check":
                return (CelAuthorization.CheckCost, null);
            case "fieldSelector" or "labelSelector":
                return (Plus(10, Factor(Of(0).Max, Traversal), Factor(Factor(Of(0).Max, 0.5), 50)), null);
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" when target is not null:
                return (Searching(target), null);
            case "url" or "jsonpatch.escapeKey":
                return (Factor(Of(0).Max, Traversal), Of(0));
            case "lowerAscii" or "upperAscii" or "substring" or "trim":
                return (Factor(self.Max, Traversal), self);
            case "replace":
                return (Factor(self.Max, 2 * Traversal), Replaced(self, Of(0), Of(1)));
            case "split":
                return (Factor(self.Max, 2 * Traversal), new Size(0, self.Max));
            case "join":
                var joined = Joined(target!, arguments.Count > 0 ? Of(0) : default);
                return (Factor(joined.Max, Traversal), joined);
            case "find" or "findAll":
                return (Matching(self, Of(0)), new Size(0, self.Max));
            case "matches" when target is not null:
                return (Matching(self, Of(0)), null);
            case "quantity" or "isQuantity" or "semver" or "isSemver" or "cidr" or "isIP" or "isCIDR":
                return (Factor(Of(0).Max, Traversal), null);
            case "ip":
                return (target is null ? Factor(Of(0).Max, Traversal) : 1, null);
            case "containsIP":
                return (Plus(4, arguments[0].Type.Kind == CelKind.Ip ? 0 : Factor(Of(0).Max, Traversal)), null);
            case "ip.isCanonical":
                return (Factor(Of(0).Max, 2 * Traversal), null);
            case "containsCIDR":
                return (Plus(7, arguments[0].Type.Kind == CelKind.Cidr ? 0 : Factor(Of(0).Max, Traversal)), null);
            case "validate":
                return (Factor(Factor(Of(0).Max, Traversal), FormatRegex), null);
            case "format":
                return (Factor(self.Max, Traversal), null);
            case "strings.quote":
                return (Factor(Of(0).Max, Traversal), new Size(Plus(Of(0).Min, 2), Plus(Times(Of(0).Max, 2), 2)));
            case "sets.contains" or "sets.intersects" or "sets.equivalent":
                return (Plus(Times(Times(Of(0).Max, Of(1).Max), name == "sets.equivalent" ? 2UL : 1), 1), null);
            case "contains":
                return (Times(Factor(self.Max, Traversal), Factor(Of(0).Max, Traversal)), null);
            case "startsWith" or "endsWith":
                return (Factor(Of(0).Max, Traversal), null);
            case "string" when arguments[0].Type.Kind is CelKind.Bytes or CelKind.Dyn:
                return (Math.Max(1, Factor(Of(0).Max, Traversal)), new Size(Of(0).Min / 4, Of(0).Max));
            case "bytes" when arguments[0].Type.Kind is CelKind.String or CelKind.Dyn:
                return (Factor(Of(0).Max, Traversal), new Size(Of(0).Min, Times(Of(0).Max, 4)));
            case "@in" when arguments[1].Type.Kind is CelKind.List or CelKind.Dyn:
                return (Of(1).Max, null);
            case "_+_" when Any(arguments, CelKind.String, CelKind.Bytes, CelKind.List):
                var added = new Size(Plus(Of(0).Min, Of(1).Min), Plus(Of(0).Max, Of(1).Max));
                return (arguments.Exists(a => a.Type.Kind == CelKind.List) ? 1 : Factor(added.Max, Traversal), added);
            case "_==_" or "_!=_" or "_<_" or "_<=_" or "_>_" or "_>=_":
                return (Compared(name, arguments[0], arguments[1]), null);
            default:
                return (1, null);
        }
    }

    /// <summary>Whether the operands are of one of the types, or of none that is known.</summary>
    private static bool Any(List<Result> operands, params CelKind[] kinds) =>
        operands.Exists(o => kinds.Contains(o.Type.Kind)) || operands.TrueForAll(o => o.Type.Kind == CelKind.Dyn);

    private static ulong Compared(string operation, Result left, Result right)
    {
        var shorter = Math.Min(left.SizeOrUnknown.Max, right.SizeOrUnknown.Max);
        if (operation is not ("_==_" or "_!=_"))
            return Any([left, right], CelKind.String, CelKind.Bytes) ? Factor(shorter, Traversal) : 1;
        return operation == "_==_" && left.Type.Kind == right.Type.Kind
            ? left.Type.Kind switch
            {
                CelKind.Ip or CelKind.Cidr or CelKind.Quantity or CelKind.Semver or CelKind.Authorizer or CelKind.PathCheck or CelKind.GroupCheck or CelKind.ResourceCheck or CelKind.Decision => 1,
                CelKind.Format => 7,
                CelKind.Url => Factor(right.Size?.Max ?? 1, Traversal),
                _ => Factor(shorter, Traversal),
            }
            : Factor(shorter, Traversal);
    }

    /// <summary>Every item is looked at, and gone through where it is a text.</summary>
    private static ulong Searching(Result target)
    {
        if (target.Type.Kind != CelKind.List)
            return Factor(target.SizeOrUnknown.Max, Traversal);
        var item = target.Type.Arguments[0].Kind is CelKind.String or CelKind.Bytes ? Plus(1, Factor(ItemSize(target).Max, Traversal)) : 1;
        return Times(target.SizeOrUnknown.Max, item);
    }

    private static Size ItemSize(Result list) => list.Path.Schema is { } schema && Element(schema) is { } items ? new Size(0, CelSizes.Most(items)) : Size.Unknown;

    private static Size Joined(Result list, Size separator)
    {
        var (count, item) = (list.SizeOrUnknown, list.Type.Kind == CelKind.List ? ItemSize(list) : default);
        return new Size(
            Plus(Times(count.Min, item.Min), Times(separator.Min, count.Min == 0 ? 0 : count.Min - 1)),
            Plus(Times(count.Max, item.Max), Times(separator.Max, count.Max == 0 ? 0 : count.Max - 1)));
    }

    /// <summary>At most when the shortest occurrences give way to the longest replacement all along, and at least the other way round.</summary>
    private static Size Replaced(Size text, Size old, Size by)
    {
        var most = old.Min == 0 ? Plus(Times(Plus(text.Max, 1), by.Max), text.Max)
            : by.Max <= old.Min ? text.Max
            : Times((ulong)Math.Ceiling(text.Max / (double)old.Min), by.Max);
        var least = old.Max == 0 ? Plus(Times(Plus(text.Min, 1), by.Min), text.Min)
            : old.Max <= by.Min ? text.Min
            : Times((ulong)Math.Ceiling(text.Min / (double)old.Max), by.Min);
        return new Size(least, most);
    }

    /// <summary>The empty text costs something too, as the pattern is what is dear.</summary>
    private static ulong Matching(Size text, Size pattern) => Times(Factor(Plus(text.Max, 1), Traversal), Factor(pattern.Max, Regex));

    private static Size Exactly(ulong size) => new(size, size);

    private static Size All(List<Result> items) => items.Count == 0 ? default : items.Select(i => i.SizeOrUnknown).Aggregate((a, b) => a.Union(b));

    private static ulong Length(string text)
    {
        ulong count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    private static ulong Sum(IEnumerable<Result> parts) => Plus([.. parts.Select(p => p.Cost)]);

    private static ulong Plus(params ReadOnlySpan<ulong> parts)
    {
        var sum = 0UL;
        foreach (var part in parts)
            sum = sum > ulong.MaxValue - part ? ulong.MaxValue : sum + part;
        return sum;
    }

    public static ulong Times(ulong a, ulong b) => b != 0 && a > ulong.MaxValue / b ? ulong.MaxValue : a * b;

    private static ulong Factor(ulong size, double factor) => Math.Ceiling(size * factor) is < 18446744073709551616.0 and var cost ? (ulong)cost : ulong.MaxValue;
}
