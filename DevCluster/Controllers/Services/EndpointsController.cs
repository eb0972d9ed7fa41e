using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers.Services;

/// <summary>Keeps an EndpointSlice and an Endpoints object for each service that selects pods.</summary>
internal sealed class EndpointsController(ObjectStore store, IKubeApi api, TimeProvider time, ILogger log) : KeyedController(store, time, log)
{
    private const string Services = "/services", Pods = "/pods", ManagedBy = "endpointslice.kubernetes.io/managed-by", Manager = "endpointslice-controller.k8s.io";

    protected override bool Interested(StoreEvent e) => e.Object.Table is Services or Pods;

    protected override IEnumerable<string> AllKeys() => Store.State.Table(Services).All().Select(service => $"{service.Namespace}/{service.Name}");

    protected override IEnumerable<string> KeysOf(StoreEvent e)
    {
        if (e.Object.Table == Services) return [$"{e.Object.Namespace}/{e.Object.Name}"];
        return Store.State.Table(Services).All(e.Object.Namespace)
            .Where(service => service.As<Service>().Spec.Selector is { Count: > 0 } selector && (Matches(selector, e.Object) || (e.Previous is { } old && Matches(selector, old))))
            .Select(service => $"{service.Namespace}/{service.Name}");
    }

    protected override async Task<TimeSpan?> ReconcileAsync(string key, CancellationToken ct)
    {
        if (key.Split('/') is not [var ns, var name] || Store.State.Find<Service>(Services, ns, name) is not { Spec.Selector.Count: > 0 } service || service.Metadata.IsDeleted) return null;
        var pods = Store.State.All<Pod>(Pods, ns).ToList();
        var slice = EndpointsPlan.Slice(service, pods);
        slice["metadata"] = new JsonObject
        {
            ["name"] = $"{name}-{service.Metadata.Uid[..5]}",
            ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = name, [ManagedBy] = Manager },
            ["ownerReferences"] = new JsonArray(new Workloads.Owner("v1", "Service", service.Metadata).Reference()),
        };
        await PutAsync(ResourceKey.EndpointSlices, ns, slice, ct);
        var endpoints = EndpointsPlan.Endpoints(service, pods);
        endpoints["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["labels"] = new JsonObject(service.Metadata.Labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
            ["ownerReferences"] = new JsonArray(new Workloads.Owner("v1", "Service", service.Metadata).Reference()),
        };
        await PutAsync(ResourceKey.Endpoints, ns, endpoints, ct);
        return null;
    }

    private static bool Matches(Dictionary<string, string> selector, StoredObject pod) => selector.All(label => pod.Index.Labels.GetValueOrDefault(label.Key) == label.Value);

    private async Task PutAsync(ResourceKey kind, string ns, JsonObject wanted, CancellationToken ct)
    {
        var name = wanted.Name();
        var old = Store.State.Table($"{kind.Group}/{kind.Plural}").Find(ns, name)?.Parse();
        if (old is null)
        {
            await api.CreateAsync(kind, ns, wanted, ct);
            return;
        }
        if (wanted.Where(field => field.Key != "metadata").All(field => old[field.Key].SameAs(field.Value.Normalized()))) return;
        await api.PatchAsync(kind, ns, name, PatchKind.MergePatch, wanted, ct: ct);
    }
}
