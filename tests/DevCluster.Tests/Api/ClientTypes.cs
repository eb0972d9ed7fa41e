using System.Collections;
using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>
/// The client library's model types in the form of DevCluster's types.tsv, named as Kubernetes' OpenAPI documents name them:
/// GROUP.VERSION.TYPE. A type belongs to core when a core kind uses it, otherwise to the group of the kind through which it was met.
/// </summary>
internal static partial class ClientTypes
{
    private static readonly HashSet<string> MetaTypes =
    [
        "V1ObjectMeta", "V1ListMeta", "V1LabelSelector", "V1LabelSelectorRequirement", "V1OwnerReference", "V1ManagedFieldsEntry", "V1Condition",
        "V1DeleteOptions", "V1Preconditions", "V1Status", "V1StatusDetails", "V1StatusCause", "V1FieldSelectorRequirement",
    ];

    /// <param name="kinds">As core.v1.Pod; they and all they are made of are written.</param>
    public static string File(IEnumerable<string> kinds)
    {
        var library = typeof(V1Pod).Assembly.GetTypes().Where(type => type.Namespace == typeof(V1Pod).Namespace).ToList();
        var core = new HashSet<Type>();
        foreach (var kind in library.Where(type => type.GetCustomAttribute<KubernetesEntityAttribute>() is { Group: "" }))
            Walk(kind, core);
        var lines = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var kind in kinds)
            Write(library.Single(type => !type.IsNested && type != typeof(Corev1EventList) && Name(type, type, core) == kind && IsModel(type)), null, core, lines);
        return string.Concat(lines.Values.Select(line => line + "\n"));
    }

    private static bool IsModel(Type type) => type.GetProperties().Any(property => property.GetCustomAttribute<JsonPropertyNameAttribute>() is not null);

    private static string Write(Type type, Type? root, HashSet<Type> core, SortedDictionary<string, string> lines)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (Scalar(type) is { } scalar)
            return scalar;
        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            return (arguments.Length == 2 ? "{}" : "[]") + Write(arguments[^1], root, core, lines);
        }
        root ??= type;
        var name = Name(type, root, core);
        if (lines.TryAdd(name, ""))
        {
            lines[name] = string.Join('\t', type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.GetCustomAttribute<JsonPropertyNameAttribute>() is not null)
                .Select(property => $"{property.GetCustomAttribute<JsonPropertyNameAttribute>()!.Name} {Write(property.PropertyType, root, core, lines)}").Prepend(name));
        }
        return name;
    }

    private static string? Scalar(Type type) =>
        type == typeof(string) ? "string"
        : type == typeof(int) ? "int32"
        : type == typeof(long) ? "int64"
        : type == typeof(double) ? "double"
        : type == typeof(bool) ? "bool"
        : type == typeof(byte[]) ? "bytes"
        : type == typeof(DateTime) ? "time"
        : type == typeof(IntOrString) || type == typeof(ResourceQuantity) ? "intstr"
        : type.IsGenericType && typeof(IEnumerable).IsAssignableFrom(type) || type.Namespace?.StartsWith("k8s", StringComparison.Ordinal) == true ? null
        : "any";

    private static string Name(Type type, Type root, HashSet<Type> core)
    {
        if (MetaTypes.Contains(type.Name))
            return "meta.v1." + type.Name[2..];
        var entity = type.GetCustomAttribute<KubernetesEntityAttribute>();
        var group = entity?.Group ?? (core.Contains(type) ? "" : root.GetCustomAttribute<KubernetesEntityAttribute>()?.Group ?? "");
        var parts = TypeName().Match(type.Name);
        var version = entity?.ApiVersion ?? (parts.Success ? parts.Groups[1].Value.ToLowerInvariant() : "v1");
        var name = entity?.Kind ?? (parts.Success ? parts.Groups[2].Value : type.Name);
        return $"{(group.Length == 0 ? "core" : group.Split('.')[0])}.{version}.{name}";
    }

    private static void Walk(Type type, HashSet<Type> found)
    {
        if (type.IsGenericType)
        {
            foreach (var argument in type.GetGenericArguments())
                Walk(argument, found);
            return;
        }
        if (type.Namespace?.StartsWith("k8s", StringComparison.Ordinal) != true || !found.Add(type))
            return;
        foreach (var property in type.GetProperties())
            Walk(property.PropertyType, found);
    }

    /// <summary>The library's names: V1PodSpec, V1beta1X, Corev1EndpointPort, RbacV1Subject.</summary>
    [GeneratedRegex("^(?:[A-Z][a-z]+(?=[vV]1))?([vV][0-9]+(?:(?:alpha|beta)[0-9]+)?)([A-Z].*)$")]
    private static partial Regex TypeName();
}
