namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Finds the type of an expression, or what is wrong with it.</summary>
internal sealed class CelChecker(string source)
{
    private static readonly Dictionary<string, CelType> TypeNames = new()
    {
        ["bool"] = CelType.Bool,
        ["int"] = CelType.Int,
        ["uint"] = CelType.Uint,
        ["double"] = CelType.Double,
        ["string"] = CelType.String,
        ["bytes"] = CelType.Bytes,
        ["list"] = CelType.List(CelType.Dyn),
        ["map"] = CelType.Map(CelType.Dyn, CelType.Dyn),
        ["null_type"] = CelType.Null,
        ["type"] = CelType.Type,
    };

    /// <summary>What has been found out about each node; nodes are told apart by where they stand, not by what they say.</summary>
    public Dictionary<CelNode, CelType> Types { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Variables by name, the innermost first.</summary>
    internal sealed record Scope(string Name, CelType Type, Scope? Outer)
    {
        public CelType? Find(string name) => Name == name ? Type : Outer?.Find(name);
    }

    /// <summary>The names that stand for types themselves, as in <c>type(x) == int</c>.</summary>
    public static CelType? Named(string name) => TypeNames.GetValueOrDefault(name);

    /// <exception cref="CelSyntaxException">It has no type.</exception>
    public CelType Check(CelNode node, Scope? scope) => Types[node] = TypeOf(node, scope);

    private CelType TypeOf(CelNode node, Scope? scope)
    {
        switch (node)
        {
            case CelLiteral literal:
                return literal.Type;
            case CelIdent ident:
                return scope?.Find(ident.Name) ?? (TypeNames.ContainsKey(ident.Name) ? CelType.Type : throw Undeclared(ident.Name, ident.Position));
            case CelSelect select:
                return Select(select, Check(select.Target, scope));
            case CelListLiteral list:
                return CelType.List(Join(list.Items, scope));
            case CelMapLiteral map:
                return CelType.Map(Join([.. map.Entries.Select(e => e.Key)], scope), Join([.. map.Entries.Select(e => e.Value)], scope));
            case CelMacro macro:
                return Macro(macro, scope);
            case CelCall call:
                return Call(call, scope);
            default:
                throw Fail("unknown expression", node.Position);
        }
    }

    private CelType Select(CelSelect select, CelType target)
    {
        var through = target.Kind == CelKind.Optional ? target.Arguments[0] : target;
        var type = through.Kind switch
        {
            CelKind.Dyn => CelType.Dyn,
            CelKind.Map => through.Arguments[1],
            CelKind.Authorizer when select is { Field: "requestResource", Test: false, Target: CelIdent } => CelType.ResourceCheck,
            CelKind.Object => (CelSchemas.Field(through.Schema!, select.Field) is { } field ? CelSchemas.TypeOf(field) : null)
                ?? throw Fail($"undefined field '{select.Field}'", select.Position),
            _ => throw Fail($"type '{target}' does not support field selection", select.Position),
        };
        return select.Test ? CelType.Bool
            : select.Optional || target.Kind == CelKind.Optional ? CelType.Optional(type)
            : type;
    }

    /// <summary>Items of a literal must agree, as Kubernetes has it.</summary>
    private CelType Join(IReadOnlyList<CelNode> items, Scope? scope)
    {
        var joined = CelType.Dyn;
        foreach (var item in items)
        {
            var type = Check(item, scope);
            if (joined.Kind is CelKind.Dyn or CelKind.Null)
                joined = type;
            else if (!joined.Accepts(type, []) && !type.Accepts(joined, []))
                throw Fail($"expected type '{joined}' but found '{type}'", item.Position);
        }
        return joined;
    }

    private CelType Macro(CelMacro macro, Scope? scope)
    {
        var target = Check(macro.Target, scope);
        if (macro.Kind is CelMacroKind.OptMap or CelMacroKind.OptFlatMap)
        {
            if (target.Kind is not (CelKind.Optional or CelKind.Dyn))
                throw Fail($"found no matching overload for '{(macro.Kind == CelMacroKind.OptMap ? "optMap" : "optFlatMap")}' applied to '{target}'", macro.Position);
            var value = target.Kind == CelKind.Optional ? target.Arguments[0] : CelType.Dyn;
            var result = Check(macro.Result!, new Scope(macro.Variable, value, scope));
            return macro.Kind == CelMacroKind.OptMap ? CelType.Optional(result) : result;
        }
        var (key, item) = target.Kind switch
        {
            CelKind.List => (CelType.Int, target.Arguments[0]),
            CelKind.Map => (target.Arguments[0], macro.Second is null ? target.Arguments[0] : target.Arguments[1]),
            CelKind.Dyn => (CelType.Dyn, CelType.Dyn),
            _ => throw Fail($"expression of type '{target}' cannot be range of a comprehension (must be list, map, or dynamic)", macro.Target.Position),
        };
        var inner = macro.Second is { } second ? new Scope(second, item, new Scope(macro.Variable, key, scope)) : new Scope(macro.Variable, item, scope);
        if (macro.Condition is { } condition && Check(condition, inner) is { Kind: not (CelKind.Bool or CelKind.Dyn) } wrong)
            throw Fail($"expected type 'bool' but found '{wrong}'", condition.Position);
        return macro.Kind switch
        {
            CelMacroKind.Map => CelType.List(Check(macro.Result!, inner)),
            CelMacroKind.TransformMap => CelType.Map(key, Check(macro.Result!, inner)),
            CelMacroKind.TransformMapEntry => macro.Result is CelMapLiteral { Entries.Count: 1 } entry
                ? Check(entry, inner)
                : throw Fail("the result of transformMapEntry() must be a map literal with one entry", macro.Result!.Position),
            CelMacroKind.Filter => CelType.List(item),
            _ => CelType.Bool,
        };
    }

    private CelType Call(CelCall call, Scope? scope)
    {
        // What format() fills in may be of any types; elsewhere the items of a literal must agree.
        var arguments = call.Arguments.Select(a => call.Function == "format" && a is CelListLiteral list ? Loose(list, scope) : Check(a, scope)).ToList();
        if (call.Target is { } target)
            arguments.Insert(0, Check(target, scope));
        var overloads = CelFunctions.Find(call.Function, call.Target is not null);
        if (overloads.Count == 0)
            throw Undeclared(call.Function, call.Position);
        CelType? result = null;
        foreach (var overload in overloads.Where(o => o.Arguments.Length == arguments.Count))
        {
            var bound = new Dictionary<string, CelType>();
            if (!overload.Arguments.Zip(arguments).All(p => p.First.Accepts(p.Second, bound)))
                continue;
            var type = overload.Result.Bind(bound);
            result = result is null || result.ToString() == type.ToString() ? type : CelType.Dyn;
        }
        return result ?? throw Fail($"found no matching overload for '{call.Function}' applied to '{Applied(call, arguments)}'", call.Position);
    }

    private CelType Loose(CelListLiteral list, Scope? scope)
    {
        foreach (var item in list.Items)
            Check(item, scope);
        return Types[list] = CelType.List(CelType.Dyn);
    }

    private static string Applied(CelCall call, List<CelType> arguments) => call.Target is null
        ? $"({string.Join(", ", arguments)})"
        : $"{arguments[0]}.({string.Join(", ", arguments.Skip(1))})";

    private CelSyntaxException Undeclared(string name, int position) => Fail($"undeclared reference to '{name}' (in container '')", position);

    private CelSyntaxException Fail(string why, int position) => new(why, source, position);
}
