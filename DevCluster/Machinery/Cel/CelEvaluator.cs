namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Runs a checked expression; every step costs (<see cref="CelSpending"/>), so that no rule can hold up the server.</summary>
internal sealed class CelEvaluator
{
    private readonly long _budget;
    private long _left;

    public CelEvaluator(long budget) => _budget = _left = budget;

    internal sealed record Scope(string Name, object? Value, Scope? Outer);

    /// <summary>What running has cost so far.</summary>
    public long Spent => _budget - _left;

    /// <exception cref="CelException">No such key, overflow, division by zero, wrong operands, or too costly.</exception>
    public object? Run(CelNode node, Scope? scope)
    {
        switch (node)
        {
            case CelLiteral literal:
                return literal.Value;
            case CelIdent ident:
                Charge(1);
                for (var at = scope; at is not null; at = at.Outer)
                {
                    if (at.Name == ident.Name)
                        return at.Value;
                }
                return CelChecker.Named(ident.Name) ?? throw new CelException("no such attribute: " + ident.Name);
            case CelSelect select:
                var from = Run(select.Target, scope);
                Charge(select.Test ? 0 : 1);
                return Select(select, from);
            case CelListLiteral list:
                Charge(CelSpending.NewList);
                return new CelList([.. list.Items.Select(i => Run(i, scope))]);
            case CelMapLiteral map:
                Charge(CelSpending.NewMap);
                return MapLiteral(map, scope);
            case CelMacro macro:
                return Macro(macro, scope);
            case CelCall { Function: "_&&_" } and:
                return Logic(and, scope, absorbing: false);
            case CelCall { Function: "_||_" } or:
                return Logic(or, scope, absorbing: true);
            case CelCall { Function: "_?_:_" } conditional:
                return Run(conditional.Arguments[True(Run(conditional.Arguments[0], scope)) ? 1 : 2], scope);
            case CelCall call:
                return Call(call, scope);
            default:
                throw new CelException("unknown expression");
        }
    }

    private void Charge(long cost)
    {
        _left -= cost;
        if (_left < 0)
            throw new CelException("operation cancelled: actual cost limit exceeded");
    }

    private static object? Select(CelSelect select, object? target)
    {
        if (target is CelOptional optional)
        {
            if (!optional.HasValue)
                return select.Test ? false : CelOptional.None;
            return select.Test ? Has(optional.Value, select.Field) : Maybe(optional.Value, select.Field);
        }
        if (select.Test)
            return Has(target, select.Field);
        if (select.Optional)
            return Maybe(target, select.Field);
        return target switch
        {
            CelStruct obj => obj.Get(select.Field),
            CelMap map => map.Entries.TryGetValue(select.Field, out var value) ? value : throw new CelException("no such key: " + select.Field),
            CelAuthorizer authorizer => authorizer.RequestResource,
            _ => throw new CelException("no such overload"),
        };
    }

    private static bool Has(object? target, string field) => target switch
    {
        CelStruct obj => obj.Has(field),
        CelMap map => map.Entries.ContainsKey(field),
        _ => throw new CelException("no such overload"),
    };

    private static CelOptional Maybe(object? target, string field) => !Has(target, field)
        ? CelOptional.None
        : new CelOptional(true, target is CelStruct obj ? obj.Get(field) : ((CelMap)target!).Entries[field]);

    private CelMap MapLiteral(CelMapLiteral map, Scope? scope)
    {
        var entries = new Dictionary<object, object?>();
        foreach (var (key, value) in map.Entries)
        {
            var k = Run(key, scope);
            if (k is not (string or long or ulong or bool))
                throw new CelException("unsupported key type");
            if (!entries.TryAdd(k, Run(value, scope)))
                throw new CelException("Failed with repeated key");
        }
        return new CelMap(entries);
    }

    /// <summary>An error on one side doesn't matter if the other side decides.</summary>
    private bool Logic(CelCall call, Scope? scope, bool absorbing)
    {
        CelException? failed = null;
        foreach (var side in call.Arguments)
        {
            try
            {
                if (True(Run(side, scope)) == absorbing)
                    return absorbing;
            }
            catch (CelException e) when (_left >= 0)
            {
                failed ??= e;
            }
        }
        return failed is null ? !absorbing : throw failed;
    }

    private static bool True(object? value) => value is bool flag ? flag : throw new CelException("no such overload");

    private object? Macro(CelMacro macro, Scope? scope)
    {
        var before = _left;
        var target = Run(macro.Target, scope);
        if (macro.Kind is CelMacroKind.OptMap or CelMacroKind.OptFlatMap)
        {
            if (target is not CelOptional optional)
                throw new CelException("no such overload");
            Charge(1);
            if (!optional.HasValue)
            {
                Charge(1);
                return optional;
            }
            // Asked whether there is a value, then asked for it as a loop over nothing.
            Charge(before - _left + CelSpending.NewList + (macro.Kind == CelMacroKind.OptMap ? 1 : 0));
            var result = Run(macro.Result!, new Scope(macro.Variable, optional.Value, scope));
            return macro.Kind == CelMacroKind.OptMap ? new CelOptional(true, result) : result;
        }
        IEnumerable<(object? Key, object? Value)> items = target switch
        {
            CelList list => list.Select((item, i) => ((object?)(long)i, item)),
            CelMap map => map.Entries.Select(e => ((object?)e.Key, e.Value)),
            _ => throw new CelException("no such overload"),
        };
        var loop = CelSpending.Of(macro.Kind);
        Charge(loop.Start + loop.End);
        // With one variable, that is for the items of a list but for the keys of a map.
        object? Single((object? Key, object? Value) item) => target is CelMap ? item.Key : item.Value;
        Scope Inside((object? Key, object? Value) item) => macro.Second is { } second
            ? new Scope(second, item.Value, new Scope(macro.Variable, item.Key, scope))
            : new Scope(macro.Variable, Single(item), scope);
        bool Kept(Scope inside)
        {
            var kept = macro.Condition is null || True(Run(macro.Condition, inside));
            Charge(kept ? loop.Kept : loop.Other);
            return kept;
        }
        return macro.Kind switch
        {
            CelMacroKind.Map => new CelList([.. items.Select(Inside).Where(Kept).Select(s => Run(macro.Result!, s))]),
            CelMacroKind.TransformMap or CelMacroKind.TransformMapEntry => Transformed(macro, items.Select(i => (i.Key, Inside: Inside(i))).Where(i => Kept(i.Inside))),
            CelMacroKind.Filter => new CelList([.. items.Where(i => Kept(Inside(i))).Select(Single)]),
            CelMacroKind.ExistsOne => items.Count(i => Kept(Inside(i))) == 1,
            var kind => Any(macro, loop, items.Select(Inside), kind == CelMacroKind.Exists),
        };
    }

    private CelMap Transformed(CelMacro macro, IEnumerable<(object? Key, Scope Inside)> items)
    {
        var entries = new Dictionary<object, object?>();
        foreach (var (key, inside) in items)
        {
            var made = Run(macro.Result!, inside);
            var (at, value) = macro.Kind == CelMacroKind.TransformMapEntry && made is CelMap { Entries: var one } ? (one.First().Key, one.First().Value) : (key!, made);
            if (!entries.TryAdd(at, value))
                throw new CelException($"insert failed: key {CelText.Of(at)} already exists");
        }
        return new CelMap(entries);
    }

    private bool Any(CelMacro macro, CelSpending.Loop loop, IEnumerable<Scope> items, bool wanted)
    {
        CelException? failed = null;
        var found = false;
        foreach (var inside in items)
        {
            // That it is found shows before the next item.
            Charge(loop.Look);
            if (found)
                break;
            try
            {
                Charge(loop.Kept);
                found = True(Run(macro.Condition!, inside)) == wanted;
            }
            catch (CelException e) when (_left >= 0)
            {
                failed ??= e;
            }
        }
        return found ? wanted : failed is null ? !wanted : throw failed;
    }

    private object? Call(CelCall call, Scope? scope)
    {
        var arguments = new object?[call.Arguments.Count + (call.Target is null ? 0 : 1)];
        var at = 0;
        if (call.Target is { } target)
            arguments[at++] = Run(target, scope);
        foreach (var argument in call.Arguments)
            arguments[at++] = Run(argument, scope);
        Charge(CelSpending.Call(call.Function, arguments));
        foreach (var overload in CelFunctions.Find(call.Function, call.Target is not null))
        {
            if (!overload.Fits(arguments))
                continue;
            var result = overload.Run(arguments);
            Charge(CelSpending.Result(call.Function, result));
            return result;
        }
        throw new CelException("no such overload");
    }
}
