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
