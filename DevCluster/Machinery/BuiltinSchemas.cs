using System.Collections.Concurrent;

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// Schemas of the built-in kinds, made of their types' fields (<see cref="BuiltinTypes"/>) when a kind is first used. What the fields
/// don't tell (which lists merge by which key, what is owned as a whole) are the few tables here; source: the merge keys and list
/// types in Kubernetes' published OpenAPI document.
/// </summary>
internal static class BuiltinSchemas
{
    private static readonly ConcurrentDictionary<string, Schema> Known = new();
    private static readonly Lock Gate = new();

    /// <summary>(type, property) → (strategic merge key, server-side apply keys).</summary>
    private static readonly Dictionary<(string Type, string Property), (string? MergeKey, string[] Keys)> ListMaps = new()
    {
        [("meta.v1.ObjectMeta", "ownerReferences")] = ("uid", ["uid"]),
        [("core.v1.PodSpec", "containers")] = ("name", ["name"]),
        [("core.v1.PodSpec", "initContainers")] = ("name", ["name"]),
        [("core.v1.PodSpec", "ephemeralContainers")] = ("name", ["name"]),
        [("core.v1.PodSpec", "volumes")] = ("name", ["name"]),
        [("core.v1.PodSpec", "imagePullSecrets")] = ("name", ["name"]),
        [("core.v1.PodSpec", "hostAliases")] = ("ip", ["ip"]),
        [("core.v1.PodSpec", "topologySpreadConstraints")] = ("topologyKey", ["topologyKey", "whenUnsatisfiable"]),
        [("core.v1.PodSpec", "schedulingGates")] = ("name", ["name"]),
        [("core.v1.PodSpec", "resourceClaims")] = ("name", ["name"]),
        [("core.v1.Container", "env")] = ("name", ["name"]),
        [("core.v1.Container", "ports")] = ("containerPort", ["containerPort", "protocol"]),
        [("core.v1.Container", "volumeMounts")] = ("mountPath", ["mountPath"]),
        [("core.v1.Container", "volumeDevices")] = ("devicePath", ["devicePath"]),
        [("core.v1.EphemeralContainer", "env")] = ("name", ["name"]),
        [("core.v1.EphemeralContainer", "volumeMounts")] = ("mountPath", ["mountPath"]),
        [("core.v1.ResourceRequirements", "claims")] = (null, ["name"]),
        [("core.v1.PodStatus", "podIPs")] = ("ip", ["ip"]),
        [("core.v1.PodStatus", "hostIPs")] = ("ip", []),
        [("core.v1.NodeStatus", "addresses")] = ("type", ["type"]),
        [("core.v1.ServiceSpec", "ports")] = ("port", ["port", "protocol"]),
        [("core.v1.LoadBalancerStatus", "ingress")] = (null, []),
        [("core.v1.ServiceAccount", "secrets")] = ("name", ["name"]),
        [("admissionregistration.v1.MutatingWebhookConfiguration", "webhooks")] = ("name", ["name"]),
        [("admissionregistration.v1.ValidatingWebhookConfiguration", "webhooks")] = ("name", ["name"]),
        [("core.v1.NamespaceStatus", "conditions")] = ("type", ["type"]),
        [("discovery.v1.EndpointSlice", "ports")] = (null, []),
        [("core.v1.PersistentVolumeClaimStatus", "conditions")] = ("type", ["type"]),
        [("storage.v1.CSINodeSpec", "drivers")] = ("name", ["name"]),
        [("storage.v1.TopologySelectorTerm", "matchLabelExpressions")] = (null, []),
    };

    private static readonly HashSet<(string, string)> Sets =
    [
        ("meta.v1.ObjectMeta", "finalizers"), ("core.v1.NodeSpec", "podCIDRs"), ("core.v1.NamespaceSpec", "finalizers"),
    ];

    /// <summary>Condition lists are maps by type nearly everywhere; these few are atomic.</summary>
    private static readonly HashSet<string> AtomicConditions = ["autoscaling.v2.HorizontalPodAutoscalerStatus"];

    private static readonly HashSet<string> AtomicTypes =
    [
        "meta.v1.LabelSelector", "core.v1.ObjectReference", "core.v1.LocalObjectReference", "core.v1.TypedLocalObjectReference", "core.v1.SecretKeySelector",
        "core.v1.ConfigMapKeySelector", "core.v1.ObjectFieldSelector", "core.v1.ResourceFieldSelector", "core.v1.NodeSelector", "core.v1.NodeSelectorTerm",
        "core.v1.SecretReference", "meta.v1.OwnerReference", "core.v1.ScopeSelector", "core.v1.EndpointPort", "rbac.v1.RoleRef", "rbac.v1.Subject",
        "core.v1.EndpointAddress", "storage.v1.TopologySelectorTerm", "core.v1.FileKeySelector",
    ];

    private static readonly HashSet<(string, string)> AtomicMaps =
    [
        ("core.v1.ServiceSpec", "selector"), ("core.v1.PodSpec", "nodeSelector"), ("node.v1.Scheduling", "nodeSelector"),
    ];

    /// <summary>(type, property) → default that server-side apply must know because it is part of a list key.</summary>
    private static readonly Dictionary<(string, string), string> KeyDefaults = new()
    {
        [("core.v1.ContainerPort", "protocol")] = "TCP",
        [("core.v1.ServicePort", "protocol")] = "TCP",
    };

    /// <param name="type">As core.v1.Pod.</param>
    public static Schema For(string type)
    {
        if (Known.TryGetValue(type, out var schema))
            return schema;
        // Under a lock, so that nobody sees a schema whose (possibly recursive) properties are still being filled in.
        lock (Gate)
        {
            var fresh = new Dictionary<string, Schema>();
            schema = Build(type, fresh);
            foreach (var (key, value) in fresh)
                Known.TryAdd(key, value);
            return schema;
        }
    }

    private static Schema Build(string type, Dictionary<string, Schema> fresh) => type switch
    {
        "string" => new Schema { Type = SchemaType.String },
        "int32" or "int64" => new Schema { Type = SchemaType.Integer, Format = type },
        "double" => new Schema { Type = SchemaType.Number, Format = type },
        "bool" => new Schema { Type = SchemaType.Boolean },
        "bytes" => new Schema { Type = SchemaType.String, Format = "byte" },
        "time" => new Schema { Type = SchemaType.String, Format = "date-time" },
        "intstr" => new Schema { Type = SchemaType.IntOrString },
        "any" => Schema.Anything,
        ['[', ']', .. var item] => new Schema { Type = SchemaType.Array, Items = Build(item, fresh) },
        ['{', '}', .. var value] => new Schema { Type = SchemaType.Object, AdditionalProperties = Build(value, fresh) },
        _ => Known.TryGetValue(type, out var known) || fresh.TryGetValue(type, out known) ? known : Struct(type, fresh),
    };

    private static Schema Struct(string type, Dictionary<string, Schema> fresh)
    {
        var schema = new Schema { Type = SchemaType.Object, AtomicMap = AtomicTypes.Contains(type), Model = type };
        fresh[type] = schema;
        foreach (var (name, fieldType) in BuiltinTypes.Fields(type))
        {
            var value = Build(fieldType, fresh);
            var at = (type, name);
            if (value.Type == SchemaType.Array)
            {
                if (ListMaps.TryGetValue(at, out var keys))
                {
                    value.PatchMergeKey = keys.MergeKey;
                    value.ListType = keys.Keys.Length > 0 ? ListType.Map : ListType.Atomic;
                    value.MapKeys = keys.Keys;
                }
                else if (name == "conditions" && value.Items!.Properties.ContainsKey("type") && !AtomicConditions.Contains(type))
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
