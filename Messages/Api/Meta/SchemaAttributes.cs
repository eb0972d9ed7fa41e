using System.Diagnostics.CodeAnalysis;

namespace Troupe.Messages.Api.Meta;

/// <summary>The field must be present in a valid object (`required` in the CRD schema).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiRequiredAttribute : Attribute;

/// <summary>The list is merged by these keys in server-side apply (`x-kubernetes-list-type: map`).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListMapKeysAttribute(params string[] keys) : Attribute
{
    public IReadOnlyList<string> Keys { get; } = keys;
}

/// <summary>How server-side apply merges the list: `atomic` or `set`.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListTypeAttribute(string type) : Attribute
{
    public string Type { get; } = type;
}

/// <summary>Server-side apply replaces the object as a whole (`x-kubernetes-map-type: atomic`).</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class AtomicMapAttribute : Attribute;

/// <summary>Fields that the schema does not name are kept (`x-kubernetes-preserve-unknown-fields`).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PreserveUnknownFieldsAttribute : Attribute;

/// <summary>An explicit null is allowed (`nullable`); on a record, wherever it is used.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Class)]
public sealed class ApiNullableAttribute : Attribute;

/// <summary>The only values allowed (`enum`).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiEnumAttribute(params string[] values) : Attribute
{
    public IReadOnlyList<string> Values { get; } = values;
}

/// <summary>What the API server writes when the field is absent (`default`), as JSON text.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiDefaultAttribute([StringSyntax(StringSyntaxAttribute.Json)] string json) : Attribute
{
    public string Json { get; } = json;
}

/// <summary>The smallest number allowed.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiMinimumAttribute(long value) : Attribute
{
    public long Value { get; } = value;
}

/// <summary>The largest number allowed.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiMaximumAttribute(long value) : Attribute
{
    public long Value { get; } = value;
}

/// <summary>The most items that the list may have.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiMaxItemsAttribute(int value) : Attribute
{
    public int Value { get; } = value;
}

/// <summary>The least number of characters.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiMinLengthAttribute(int value) : Attribute
{
    public int Value { get; } = value;
}

/// <summary>The largest number of characters.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiMaxLengthAttribute(int value) : Attribute
{
    public int Value { get; } = value;
}

/// <summary>A regular expression that the text must match.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiPatternAttribute([StringSyntax(StringSyntaxAttribute.Regex)] string pattern) : Attribute
{
    public string Pattern { get; } = pattern;
}

/// <summary>The `format` when it is not the one that follows from the C# type; empty for none.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ApiFormatAttribute(string format) : Attribute
{
    public string Format { get; } = format;
}

/// <summary>A rule in the Common Expression Language, and what the API server says when it is broken.</summary>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class ApiRuleAttribute(string rule, string message) : Attribute
{
    public string Rule { get; } = rule;
    public string Message { get; } = message;
}
