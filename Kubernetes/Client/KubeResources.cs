using System.Text.Json.Serialization.Metadata;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Client;

/// <summary>Where a kind lives in the API and how it is read.</summary>
public sealed record KubeResource<T>(string Group, string Version, string Kind, string Plural, bool Namespaced, JsonTypeInfo<T> Json, JsonTypeInfo<KubeList<T>> ListJson)
    where T : KubeObject
{
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string Path(string? ns, string? name = null, string? subresource = null)
    {
        var root = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        var scope = Namespaced && ns is not null ? $"/namespaces/{Uri.EscapeDataString(ns)}" : "";
        var item = name is null ? "" : $"/{Uri.EscapeDataString(name)}";
        return $"{root}{scope}/{Plural}{item}{(subresource is null ? "" : "/" + subresource)}";
    }
}

/// <summary>The kinds that Troupe reads and writes.</summary>
public static class KubeResources
{
    private static readonly Dictionary<Type, object> All = new()
    {
        [typeof(VirtualMachineInstance)] = new KubeResource<VirtualMachineInstance>("kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances", true,
            ApiJson.Default.VirtualMachineInstance, ApiJson.Default.KubeListVirtualMachineInstance),
        [typeof(Pod)] = new KubeResource<Pod>("", "v1", "Pod", "pods", true, ApiJson.Default.Pod, ApiJson.Default.KubeListPod),
        [typeof(Node)] = new KubeResource<Node>("", "v1", "Node", "nodes", false, ApiJson.Default.Node, ApiJson.Default.KubeListNode),
        [typeof(Event)] = new KubeResource<Event>("", "v1", "Event", "events", true, ApiJson.Default.Event, ApiJson.Default.KubeListEvent),
        [typeof(Lease)] = new KubeResource<Lease>("coordination.k8s.io", "v1", "Lease", "leases", true, ApiJson.Default.Lease, ApiJson.Default.KubeListLease),
        [typeof(ConfigMap)] = new KubeResource<ConfigMap>("", "v1", "ConfigMap", "configmaps", true, ApiJson.Default.ConfigMap, ApiJson.Default.KubeListConfigMap),
        [typeof(Secret)] = new KubeResource<Secret>("", "v1", "Secret", "secrets", true, ApiJson.Default.Secret, ApiJson.Default.KubeListSecret),
    };

    /// <exception cref="NotSupportedException">The kind is not in the table.</exception>
    public static KubeResource<T> Of<T>() where T : KubeObject => All.TryGetValue(typeof(T), out var resource)
        ? (KubeResource<T>)resource
        : throw new NotSupportedException($"{typeof(T).Name} is not in KubeResources");
}
