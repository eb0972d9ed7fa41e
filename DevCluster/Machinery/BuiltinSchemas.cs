using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json.Serialization;
using k8s.Models;

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// Schemas of the built-in kinds, read off the client library's model types when a kind is first used. What the types don't tell
/// (which lists merge by which key, what is owned as a whole) are the few tables here; source: the merge keys and list types in
/// Kubernetes' published OpenAPI document.
/// </summary>
internal static class BuiltinSchemas
{
    private static readonly ConcurrentDictionary<Type, Schema> Known = new();
    private static readonly Lock Gate = new();

    /// <summary>The kind whose schema is being built; written under the gate.</summary>
    private static Type? _root;

    /// <summary>(type, property) → (strategic merge key, server-side apply keys).</summary>
    private static readonly Dictionary<(string Type, string Property), (string? MergeKey, string[] Keys)> ListMaps = new()
    {
        [("V1ObjectMeta", "ownerReferences")] = ("uid", ["uid"]),
        [("V1PodSpec", "containers")] = ("name", ["name"]),
        [("V1PodSpec", "initContainers")] = ("name", ["name"]),
        [("V1PodSpec", "ephemeralContainers")] = ("name", ["name"]),
        [("V1PodSpec", "volumes")] = ("name", ["name"]),
        [("V1PodSpec", "imagePullSecrets")] = ("name", ["name"]),
        [("V1PodSpec", "hostAliases")] = ("ip", ["ip"]),
        [("V1PodSpec", "topologySpreadConstraints")] = ("topologyKey", ["topologyKey", "whenUnsatisfiable"]),
        [("V1PodSpec", "schedulingGates")] = ("name", ["name"]),
        [("V1PodSpec", "resourceClaims")] = ("name", ["name"]),
        [("V1Container", "env")] = ("name", ["name"]),
        [("V1Container", "ports")] = ("containerPort", ["containerPort", "protocol"]),
        [("V1Container", "volumeMounts")] = ("mountPath", ["mountPath"]),
        [("V1Container", "volumeDevices")] = ("devicePath", ["devicePath"]),
        [("V1EphemeralContainer", "env")] = ("name", ["name"]),
        [("V1EphemeralContainer", "volumeMounts")] = ("mountPath", ["mountPath"]),
        [("V1ResourceRequirements", "claims")] = (null, ["name"]),
        [("V1PodStatus", "podIPs")] = ("ip", ["ip"]),
        [("V1PodStatus", "hostIPs")] = ("ip", []),
        [("V1NodeStatus", "addresses")] = ("type", ["type"]),
        [("V1ServiceSpec", "ports")] = ("port", ["port", "protocol"]),
        [("V1LoadBalancerStatus", "ingress")] = (null, []),
        [("V1ServiceAccount", "secrets")] = ("name", ["name"]),
        [("V1MutatingWebhookConfiguration", "webhooks")] = ("name", ["name"]),
        [("V1ValidatingWebhookConfiguration", "webhooks")] = ("name", ["name"]),
        [("V1NamespaceStatus", "conditions")] = ("type", ["type"]),
        [("V1EndpointSlice", "ports")] = (null, []),
        [("V1PersistentVolumeClaimStatus", "conditions")] = ("type", ["type"]),
        [("V1CSINodeSpec", "drivers")] = ("name", ["name"]),
        [("V1TopologySelectorTerm", "matchLabelExpressions")] = (null, []),
    };

    private static readonly HashSet<(string, string)> Sets =
    [
        ("V1ObjectMeta", "finalizers"), ("V1NodeSpec", "podCIDRs"), ("V1NamespaceSpec", "finalizers"),
    ];

    /// <summary>Condition lists are maps by type nearly everywhere; these few are atomic.</summary>
    private static readonly HashSet<string> AtomicConditions = ["V2HorizontalPodAutoscalerStatus"];

    private static readonly HashSet<string> AtomicTypes =
    [
        "V1LabelSelector", "V1ObjectReference", "V1LocalObjectReference", "V1TypedLocalObjectReference", "V1SecretKeySelector",
        "V1ConfigMapKeySelector", "V1ObjectFieldSelector", "V1ResourceFieldSelector", "V1NodeSelector", "V1NodeSelectorTerm",
        "V1SecretReference", "V1OwnerReference", "V1ScopeSelector", "Corev1EndpointPort", "V1RoleRef", "V1Subject",
        "V1EndpointAddress", "V1TopologySelectorTerm", "V1FileKeySelector",
    ];

    private static readonly HashSet<(string, string)> AtomicMaps =
    [
        ("V1ServiceSpec", "selector"), ("V1PodSpec", "nodeSelector"), ("V1ReplicationControllerSpec", "selector"), ("V1Scheduling", "nodeSelector"),
    ];

    /// <summary>(type, property) → default that server-side apply must know because it is part of a list key.</summary>
    private static readonly Dictionary<(string, string), string> KeyDefaults = new()
    {
        [("V1ContainerPort", "protocol")] = "TCP",
        [("V1ServicePort", "protocol")] = "TCP",
    };

    public static Schema For<T>() => For(typeof(T));

    public static Schema For(Type type)
    {
        if (Known.TryGetValue(type, out var schema))
            return schema;
        // Under a lock, so that nobody sees a schema whose (possibly recursive) properties are still being filled in.
        lock (Gate)
        {
            var fresh = new Dictionary<Type, Schema>();
            _root = type;
            schema = Build(type, fresh);
            foreach (var (key, value) in fresh)
                Known.TryAdd(key, value);
            return schema;
        }
    }

    private static Schema Build(Type type, Dictionary<Type, Schema> fresh)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return new Schema { Type = SchemaType.String };
        if (type == typeof(int))
            return new Schema { Type = SchemaType.Integer, Format = "int32" };
        if (type == typeof(long))
            return new Schema { Type = SchemaType.Integer, Format = "int64" };
        if (type == typeof(double))
            return new Schema { Type = SchemaType.Number, Format = "double" };
        if (type == typeof(bool))
            return new Schema { Type = SchemaType.Boolean };
        if (type == typeof(byte[]))
            return new Schema { Type = SchemaType.String, Format = "byte" };
        if (type == typeof(DateTime))
            return new Schema { Type = SchemaType.String, Format = "date-time" };
        if (type == typeof(IntOrString) || type == typeof(ResourceQuantity))
            return new Schema { Type = SchemaType.IntOrString };
        if (type == typeof(object) || !type.Namespace!.StartsWith("k8s", StringComparison.Ordinal) && !type.IsGenericType)
            return Schema.Anything;
        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            if (arguments.Length == 2)
                return new Schema { Type = SchemaType.Object, AdditionalProperties = Build(arguments[1], fresh) };
            return typeof(IEnumerable).IsAssignableFrom(type)
                ? new Schema { Type = SchemaType.Array, Items = Build(arguments[0], fresh) }
                : Schema.Anything;
        }
        if (Known.TryGetValue(type, out var known) || fresh.TryGetValue(type, out known))
            return known;
        return Struct(type, fresh);
    }

    private static Schema Struct(Type type, Dictionary<Type, Schema> fresh)
    {
        var schema = new Schema
        {
            Type = SchemaType.Object,
            AtomicMap = AtomicTypes.Contains(type.Name),
            Model = (type, _root ?? type),
        };
        fresh[type] = schema;
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name is not { } name)
                continue;
            var value = Build(property.PropertyType, fresh);
            var at = (type.Name, name);
            if (value.Type == SchemaType.Array)
            {
                if (ListMaps.TryGetValue(at, out var keys))
                {
                    value.PatchMergeKey = keys.MergeKey;
                    value.ListType = keys.Keys.Length > 0 ? ListType.Map : ListType.Atomic;
                    value.MapKeys = keys.Keys;
                }
                else if (name == "conditions" && value.Items!.Properties.ContainsKey("type") && !AtomicConditions.Contains(type.Name))
                {
                    value.PatchMergeKey = "type";
                    value.ListType = ListType.Map;
                    value.MapKeys = ["type"];
                }
                else if (Sets.Contains(at))
                    value.ListType = ListType.Set;
            }
            if (AtomicMaps.Contains(at))
                value.AtomicMap = true;
            if (KeyDefaults.TryGetValue(at, out var given))
                value.Default = given;
            schema.Properties[name] = value;
        }
        return schema;
    }
}
