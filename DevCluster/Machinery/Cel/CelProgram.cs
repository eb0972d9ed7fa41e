namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>A compiled expression.</summary>
internal sealed class CelProgram
{
    /// <summary>Kubernetes' limit for one evaluation.</summary>
    public const long CostLimit = 1_000_000;

    private readonly CelNode _root;

    private CelProgram(CelNode root, CelType type) => (_root, Type) = (root, type);

    public CelType Type { get; }

    /// <param name="source">The expression.</param>
    /// <param name="variables">What it may refer to.</param>
    /// <exception cref="CelSyntaxException">It can't be parsed, refers to something unknown or has operands of the wrong type.</exception>
    public static CelProgram Compile(string source, IEnumerable<(string Name, CelType Type)> variables)
    {
        var root = CelParser.Parse(source);
        var scope = variables.Aggregate((CelChecker.Scope?)null, (outer, v) => new CelChecker.Scope(v.Name, v.Type, outer));
        return new CelProgram(root, new CelChecker(source).Check(root, scope));
    }

    /// <summary>Whether the expression mentions a variable.</summary>
    public bool Uses(string variable) => Uses(_root, variable);

    /// <param name="variables">Values for the compiled variables.</param>
    /// <param name="budget">What it may cost, at most; reduced by what it did cost.</param>
    /// <exception cref="CelException">It failed.</exception>
    public object? Run(IEnumerable<(string Name, object? Value)> variables, ref long budget)
    {
        var evaluator = new CelEvaluator(Math.Min(budget, CostLimit));
        try
        {
            return evaluator.Run(_root, variables.Aggregate((CelEvaluator.Scope?)null, (outer, v) => new CelEvaluator.Scope(v.Name, v.Value, outer)));
        }
        finally
        {
            budget -= evaluator.Spent;
        }
    }

    private static bool Uses(CelNode node, string variable) => node switch
    {
        CelIdent ident => ident.Name == variable,
        CelSelect select => Uses(select.Target, variable),
        CelCall call => (call.Target is { } target && Uses(target, variable)) || call.Arguments.Any(a => Uses(a, variable)),
        CelListLiteral list => list.Items.Any(i => Uses(i, variable)),
        CelMapLiteral map => map.Entries.Any(e => Uses(e.Key, variable) || Uses(e.Value, variable)),
        CelMacro macro => Uses(macro.Target, variable)
            || (macro.Variable != variable && macro.Second != variable && ((macro.Condition is { } c && Uses(c, variable)) || (macro.Result is { } r && Uses(r, variable)))),
        _ => false,
    };
}
