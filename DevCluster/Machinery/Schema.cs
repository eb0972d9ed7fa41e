using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Troupe.DevCluster.Machinery;

internal enum SchemaType
{
    /// <summary>Any JSON value; nothing is known about its inside.</summary>
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    IntOrString,
}

internal enum ListType
{
    Atomic,
    Set,
    Map,
}

/// <summary>
/// What is known about a value: one form for custom resources (read from openAPIV3Schema) and built-ins (see
/// <see cref="BuiltinSchemas"/>), so that pruning, defaulting, validation, merging and field ownership are written once.
/// </summary>
internal sealed class Schema
{
    public static readonly Schema Anything = new() { Type = SchemaType.Any, PreserveUnknown = true };

    public SchemaType Type { get; set; }

    public Dictionary<string, Schema> Properties { get; set; } = [];

    public Schema? AdditionalProperties { get; set; }

    public Schema? Items { get; set; }

    /// <summary>Fields that aren't named here stay, as with x-kubernetes-preserve-unknown-fields.</summary>
    public bool PreserveUnknown { get; set; }

    /// <summary>The value is a whole Kubernetes object with apiVersion, kind and metadata of its own.</summary>
    public bool EmbeddedResource { get; set; }

    public bool Nullable { get; set; }

    /// <summary>A map or struct that server-side apply owns as a whole.</summary>
    public bool AtomicMap { get; set; }

    public ListType ListType { get; set; }

    public IReadOnlyList<string> MapKeys { get; set; } = [];

    /// <summary>Strategic merge joins the list's items by this key; with <see cref="ListType.Set"/> by value; otherwise it replaces the list.</summary>
    public string? PatchMergeKey { get; set; }

    public JsonNode? Default { get; set; }

    public IReadOnlyList<string> Required { get; set; } = [];

    public SchemaRules? Rules { get; set; }

    /// <summary>The x-kubernetes-validations, as written.</summary>
    public JsonArray? Validations { get; set; }

    /// <summary>The type of a built-in struct, as core.v1.PodSpec; null for an inline schema.</summary>
    public string? Model { get; set; }

    /// <summary>Name in the OpenAPI documents; null for an inline schema.</summary>
    public string? DefinitionName => Model is { } model ? BuiltinTypes.DefinitionName(model) : null;

    /// <summary>string, byte, date-time, int32, ... as OpenAPI has it.</summary>
    public string? Format { get; set; }

    public bool IsStruct => Type == SchemaType.Object && (Properties.Count > 0 || AdditionalProperties is null);

    public Schema? Property(string name) =>
        Properties.TryGetValue(name, out var property) ? property
        : AdditionalProperties is not null ? AdditionalProperties
        : null;

    /// <summary>As <see cref="Property"/>, but never null: the inside of unknown fields is "anything".</summary>
    public Schema Inside(string name) => Property(name) ?? Anything;
}

/// <summary>Value validations; absent (null) for nearly every built-in field.</summary>
internal sealed record SchemaRules
{
    public IReadOnlyList<JsonNode?>? Enum { get; init; }
    public Regex? Pattern { get; init; }
    public double? Minimum { get; init; }
    public bool ExclusiveMinimum { get; init; }
    public double? Maximum { get; init; }
    public bool ExclusiveMaximum { get; init; }
    public double? MultipleOf { get; init; }
    public long? MinLength { get; init; }
    public long? MaxLength { get; init; }
    public long? MinItems { get; init; }
    public long? MaxItems { get; init; }
    public bool UniqueItems { get; init; }
    public long? MinProperties { get; init; }
    public long? MaxProperties { get; init; }
    public IReadOnlyList<Schema> AllOf { get; init; } = [];
    public IReadOnlyList<Schema> AnyOf { get; init; } = [];
    public IReadOnlyList<Schema> OneOf { get; init; } = [];
    public Schema? Not { get; init; }
}
