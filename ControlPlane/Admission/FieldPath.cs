namespace Troupe.ControlPlane.Admission;

/// <summary>Where in an object a value stands, as Kubernetes writes it: <c>spec.domain.devices.disks[0].name</c>.</summary>
public readonly record struct FieldPath(string Text)
{
    public static FieldPath Root { get; } = new("");
    public static FieldPath Spec { get; } = new("spec");
    public static FieldPath Metadata { get; } = new("metadata");

    public FieldPath this[string child] => new(string.IsNullOrEmpty(Text) ? child : $"{Text}.{child}");
    public FieldPath this[int index] => new($"{Text}[{index}]");

    /// <summary>Several steps at once: <c>path.At("domain", "cpu")</c>.</summary>
    public FieldPath At(params ReadOnlySpan<string> children)
    {
        var path = this;
        foreach (var child in children)
            path = path[child];
        return path;
    }

    public override string ToString() => Text;
}
