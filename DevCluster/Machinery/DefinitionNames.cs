using System.Reflection;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// Names of the model types in the OpenAPI documents, as Kubernetes has them: io.k8s.api.GROUP.VERSION.TYPE. A type belongs to core
/// when a core kind uses it, otherwise to the group of the kind through which it was met.
/// </summary>
internal static partial class DefinitionNames
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    private static readonly HashSet<string> MetaTypes =
    [
        "V1ObjectMeta", "V1ListMeta", "V1LabelSelector", "V1LabelSelectorRequirement", "V1OwnerReference", "V1ManagedFieldsEntry", "V1Condition",
        "V1DeleteOptions", "V1Preconditions", "V1Status", "V1StatusDetails", "V1StatusCause", "V1FieldSelectorRequirement",
    ];

    private static readonly Lazy<HashSet<Type>> CoreTypes = new(() =>
    {
        var found = new HashSet<Type>();
        foreach (var type in typeof(V1Pod).Assembly.GetTypes())
        {
            if (type.GetCustomAttribute<KubernetesEntityAttribute>() is { Group: "" })
                Walk(type, found);
        }
        return found;
    });

    public static string Of(Type type, Type root)
    {
        if (MetaTypes.Contains(type.Name))
            return Meta + type.Name[2..];
        var entity = type.GetCustomAttribute<KubernetesEntityAttribute>();
        var group = entity?.Group ?? (CoreTypes.Value.Contains(type) ? "" : root.GetCustomAttribute<KubernetesEntityAttribute>()?.Group ?? "");
        var parts = TypeName().Match(type.Name);
        var version = entity?.ApiVersion ?? (parts.Success ? parts.Groups[1].Value.ToLowerInvariant() : "v1");
        var name = entity?.Kind ?? (parts.Success ? parts.Groups[2].Value : type.Name);
        return group switch
        {
            "" => $"io.k8s.api.core.{version}.{name}",
            "apiextensions.k8s.io" => $"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{name}",
            "apiregistration.k8s.io" => $"io.k8s.kube-aggregator.pkg.apis.apiregistration.{version}.{name}",
            _ => $"io.k8s.api.{group.Split('.')[0]}.{version}.{name}",
        };
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
