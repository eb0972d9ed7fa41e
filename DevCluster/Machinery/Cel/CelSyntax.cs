namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>A parsed expression; the position is an offset into the source, for messages.</summary>
internal abstract record CelNode(int Position);

internal sealed record CelLiteral(int Position, object? Value, CelType Type) : CelNode(Position);

internal sealed record CelIdent(int Position, string Name) : CelNode(Position);

/// <param name="Position">In the source.</param>
/// <param name="Target">The object or map.</param>
/// <param name="Field">As written, with Kubernetes' escapes.</param>
/// <param name="Test">From has(): asks whether the field is there.</param>
/// <param name="Optional">Written <c>.?field</c>: the result is an optional.</param>
internal sealed record CelSelect(int Position, CelNode Target, string Field, bool Test, bool Optional) : CelNode(Position);

/// <summary>Operators are calls too, by cel-go's names: <c>_+_</c>, <c>!_</c>, <c>_?_:_</c>, <c>_[_]</c>, <c>_[?_]</c>, <c>@in</c>.</summary>
internal sealed record CelCall(int Position, string Function, CelNode? Target, IReadOnlyList<CelNode> Arguments) : CelNode(Position);

internal sealed record CelListLiteral(int Position, IReadOnlyList<CelNode> Items) : CelNode(Position);

internal sealed record CelMapLiteral(int Position, IReadOnlyList<(CelNode Key, CelNode Value)> Entries) : CelNode(Position);

internal enum CelMacroKind
{
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    OptMap,
    OptFlatMap,
    TransformMap,
    TransformMapEntry,
}

/// <summary>A comprehension over a list, the keys of a map, or an optional. <paramref name="Result"/> is what map() makes of each item.</summary>
internal sealed record CelMacro(int Position, CelMacroKind Kind, CelNode Target, string Variable, CelNode? Condition, CelNode? Result) : CelNode(Position)
{
    /// <summary>In the form with two variables, the one for values; the first is then for indices or keys.</summary>
    public string? Second { get; init; }
}
