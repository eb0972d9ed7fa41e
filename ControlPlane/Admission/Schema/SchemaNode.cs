namespace Troupe.ControlPlane.Admission.Schema;

internal enum SchemaKind
{
    Any,
    Text,
    Flag,
    Integer,
    Number,
    Quantity,
    NumberOrText,
    List,
    Map,
    Object,
}

/// <summary>One type of the API as its JSON must look.</summary>
/// <param name="TypeName">Go's name of the type, which errors show.</param>
internal sealed record SchemaNode(SchemaKind Kind, string TypeName)
{
    /// <summary>Of lists and maps.</summary>
    public SchemaNode? Items { get; init; }

    /// <summary>Of objects, by JSON name. A dictionary that is filled later, because types may contain themselves.</summary>
    public Dictionary<string, SchemaProperty> Properties { get; init; } = [];

    /// <summary>Of integers: what their Go type can hold.</summary>
    public (decimal Smallest, decimal Largest) Range { get; init; } = (long.MinValue, long.MaxValue);
}

/// <param name="Allowed">The only values, sorted; empty for any.</param>
internal sealed record SchemaProperty(string Name, SchemaNode Node, bool IsRequired, IReadOnlyList<string> Allowed);
