using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>LimitRanges fill in what containers leave open.</summary>
internal sealed class LimitDefaults(ObjectStore store) : IAdmissionStep
{
    private const string Annotation = "kubernetes.io/limit-ranger";

    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Operation: Operation.Create, Subresource: "", Object: { } pod } || request.Definition.Key != ResourceKey.Pods)
            return ValueTask.CompletedTask;
        var said = new List<string>();
        foreach (var limit in LimitRules.Of(store.State, request.Namespace).Where(l => l.Str("type") == "Container"))
        {
            foreach (var (list, what) in new[] { ("containers", "container"), ("initContainers", "init container") })
            {
                foreach (var container in (pod.Arr("spec", list) ?? []).OfType<JsonObject>())
                {
                    foreach (var (kind, from, word) in new[] { ("requests", "defaultRequest", "request"), ("limits", "default", "limit") })
                    {
                        if (Fill(container, kind, limit.Obj(from)) is { Count: > 0 } set)
                            said.Add($"{string.Join(", ", set)} {word} for {what} {container.Str("name")}");
                    }
                }
            }
        }
        if (said.Count > 0)
            pod.Meta().Child("annotations")[Annotation] = "LimitRanger plugin set: " + string.Join("; ", said);
        return ValueTask.CompletedTask;
    }

    private static List<string> Fill(JsonObject container, string kind, JsonObject? defaults)
    {
        var set = new List<string>();
        foreach (var (name, amount) in (defaults ?? []).OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            if (container.At("resources", kind, name) is not null)
                continue;
            container.Child("resources").Child(kind)[name] = amount?.DeepClone();
            set.Add(name);
        }
        return set;
    }
}
