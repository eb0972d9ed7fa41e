namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>Recursive descent over the language's grammar; the macros become comprehension nodes here.</summary>
internal sealed class CelParser
{
    private const int MaxDepth = 200;

    private static readonly HashSet<string> Reserved =
    [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ];

    private readonly string _source;
    private readonly List<CelLexeme> _tokens;
    private int _at;
    private int _depth;

    private CelParser(string source) => (_source, _tokens) = (source, new CelLexer(source).All());

    private CelLexeme Now => _tokens[_at];

    /// <exception cref="CelSyntaxException">Not an expression.</exception>
    public static CelNode Parse(string source)
    {
        var parser = new CelParser(source);
        var node = parser.Expression();
        return parser.Now.Kind == CelToken.End ? node : throw parser.Unexpected();
    }

    private CelNode Expression()
    {
        if (++_depth > MaxDepth)
            throw new CelSyntaxException($"expression recursion limit exceeded: {MaxDepth}", _source, Now.Position);
        var condition = Binary(0);
        if (Take("?") is { } at)
        {
            var then = Expression();
            Expect(":");
            condition = new CelCall(at, "_?_:_", null, [condition, then, Expression()]);
        }
        _depth--;
        return condition;
    }

    private static readonly string[][] Levels = [["||"], ["&&"], ["<", "<=", ">=", ">", "==", "!=", "in"], ["+", "-"], ["*", "/", "%"]];

    private CelNode Binary(int level)
    {
        if (level == Levels.Length)
            return Unary();
        var left = Binary(level + 1);
        while (Now.Kind is CelToken.Symbol or CelToken.Ident && Levels[level].Contains(Now.Text))
        {
            var op = Now;
            _at++;
            left = new CelCall(op.Position, op.Text == "in" ? "@in" : $"_{op.Text}_", null, [left, Binary(level + 1)]);
        }
        return left;
    }

    private CelNode Unary()
    {
        if (Now is { Kind: CelToken.Symbol, Text: "!" or "-" } op)
        {
            if (++_depth > MaxDepth)
                throw new CelSyntaxException($"expression recursion limit exceeded: {MaxDepth}", _source, Now.Position);
            _at++;
            try
            {
                if (op.Text == "-" && Now.Kind is CelToken.Int && Now.Value is ulong magnitude)
                {
                    _at++;
                    return Member(new CelLiteral(op.Position, unchecked(-(long)magnitude), CelType.Int));
                }
                if (op.Text == "-" && Now.Kind is CelToken.Double && Now.Value is double real)
                {
                    _at++;
                    return Member(new CelLiteral(op.Position, -real, CelType.Double));
                }
                return new CelCall(op.Position, op.Text == "!" ? "!_" : "-_", null, [Unary()]);
            }
            finally
            {
                _depth--;
            }
        }
        return Member(Primary());
    }

    private CelNode Member(CelNode node)
    {
        while (true)
        {
            if (Take("[") is { } bracket)
            {
                var optional = Take("?") is not null;
                node = new CelCall(bracket, optional ? "_[?_]" : "_[_]", null, [node, Expression()]);
                Expect("]");
            }
            else if (Take(".") is { } dot)
            {
                var optional = Take("?") is not null;
                var name = Name();
                if (!optional && Take("(") is { } call)
                    node = Method(node, name, call, Arguments(")"));
                else
                    node = new CelSelect(dot, node, name, false, optional);
            }
            else
                return node;
        }
    }

    private CelNode Method(CelNode target, string name, int position, List<CelNode> arguments)
    {
        // What is before the dot may be no variable but part of the name of a function.
        if (target is CelIdent { Name: var space } && CelFunctions.Find($"{space}.{name}", member: false).Count > 0)
            return new CelCall(position, $"{space}.{name}", null, arguments);
        CelMacroKind? kind = (name, arguments.Count) switch
        {
            ("all", 2 or 3) => CelMacroKind.All,
            ("exists", 2 or 3) => CelMacroKind.Exists,
            ("exists_one" or "existsOne", 2 or 3) => CelMacroKind.ExistsOne,
            ("map", 2 or 3) or ("transformList", 3 or 4) => CelMacroKind.Map,
            ("transformMap", 3 or 4) => CelMacroKind.TransformMap,
            ("transformMapEntry", 3 or 4) => CelMacroKind.TransformMapEntry,
            ("filter", 2) => CelMacroKind.Filter,
            ("optMap", 2) => CelMacroKind.OptMap,
            ("optFlatMap", 2) => CelMacroKind.OptFlatMap,
            _ => null,
        };
        if (kind is null)
            return new CelCall(position, name, target, arguments);
        var makes = kind is CelMacroKind.Map or CelMacroKind.OptMap or CelMacroKind.OptFlatMap or CelMacroKind.TransformMap or CelMacroKind.TransformMapEntry;
        // What follows the variables: a predicate, or what is made of each item with a filter before it or none.
        var variables = name.StartsWith("transform", StringComparison.Ordinal) || (!makes && arguments.Count == 3) ? 2 : 1;
        var names = arguments.Take(variables).Select(a => a is CelIdent ident ? ident.Name : throw new CelSyntaxException("argument must be a simple name", _source, a.Position)).ToList();
        if (names.Distinct().Count() < variables)
            throw new CelSyntaxException("duplicate variable name: " + names[0], _source, arguments[1].Position);
        return new CelMacro(position, kind.Value, target, names[0], makes && arguments.Count - variables == 1 ? null : arguments[variables], makes ? arguments[^1] : null)
        {
            Second = names.ElementAtOrDefault(1),
        };
    }

    private CelNode Primary()
    {
        var token = Now;
        switch (token.Kind)
        {
            case CelToken.Int:
                if ((ulong)token.Value! > long.MaxValue)
                    throw new CelSyntaxException("invalid int literal", _source, token.Position);
                _at++;
                return new CelLiteral(token.Position, (long)(ulong)token.Value!, CelType.Int);
            case CelToken.Uint or CelToken.Double or CelToken.String or CelToken.Bytes:
                _at++;
                return new CelLiteral(token.Position, token.Value, token.Kind switch
                {
                    CelToken.Uint => CelType.Uint,
                    CelToken.Double => CelType.Double,
                    CelToken.String => CelType.String,
                    _ => CelType.Bytes,
                });
            case CelToken.Ident:
                return Identifier();
        }
        if (Take("(") is not null)
        {
            var inner = Expression();
            Expect(")");
            return inner;
        }
        if (Take("[") is { } list)
            return new CelListLiteral(list, Arguments("]"));
        if (Take("{") is { } map)
        {
            var entries = new List<(CelNode, CelNode)>();
            while (Take("}") is null)
            {
                if (entries.Count > 0)
                {
                    Expect(",");
                    if (Take("}") is not null)
                        break;
                }
                var key = Expression();
                Expect(":");
                entries.Add((key, Expression()));
            }
            return new CelMapLiteral(map, entries);
        }
        if (Take(".") is not null && Now.Kind == CelToken.Ident)
            return Identifier();
        throw Unexpected();
    }

    private CelNode Identifier()
    {
        var token = Now;
        _at++;
        switch (token.Text)
        {
            case "true" or "false":
                return new CelLiteral(token.Position, token.Text == "true", CelType.Bool);
            case "null":
                return new CelLiteral(token.Position, null, CelType.Null);
            case "in":
                _at--;
                throw Unexpected();
        }
        if (Reserved.Contains(token.Text))
            throw new CelSyntaxException($"reserved identifier: {token.Text}", _source, token.Position);
        if (Take("(") is not { } call)
            return new CelIdent(token.Position, token.Text);
        var arguments = Arguments(")");
        if (token.Text != "has")
            return new CelCall(call, token.Text, null, arguments);
        if (arguments is not [CelSelect select])
            throw new CelSyntaxException("invalid argument to has() macro", _source, call);
        return select with { Test = true };
    }

    private List<CelNode> Arguments(string close)
    {
        var arguments = new List<CelNode>();
        while (Take(close) is null)
        {
            if (arguments.Count > 0)
            {
                Expect(",");
                if (close == "]" && Take(close) is not null)
                    break;
            }
            arguments.Add(Expression());
        }
        return arguments;
    }

    private string Name()
    {
        if (Now.Kind != CelToken.Ident)
            throw Unexpected();
        return _tokens[_at++].Text;
    }

    private int? Take(string symbol)
    {
        if (Now.Kind != CelToken.Symbol || Now.Text != symbol)
            return null;
        return _tokens[_at++].Position;
    }

    private void Expect(string symbol)
    {
        if (Take(symbol) is null)
            throw Unexpected();
    }

    private CelSyntaxException Unexpected() => new($"Syntax error: mismatched input '{Now.Text}'", _source, Now.Position);
}
