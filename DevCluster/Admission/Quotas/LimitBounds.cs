using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission.Quotas;

/// <summary>LimitRanges refuse pods and claims that ask for too little, too much, or limits too far from their requests.</summary>
internal sealed class LimitBounds(ObjectStore store) : IAdmissionStep
{
    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Subresource: "", Object: { } obj } || request.Operation is not (Operation.Create or Operation.Update))
            return ValueTask.CompletedTask;
        List<string> problems = request.Definition.Key switch
        {
            var key when key == ResourceKey.Pods && request.Operation == Operation.Create => [.. LimitRules.Of(store.State, request.Namespace).SelectMany(l => Pod(l, obj))],
            var key when key == ResourceKey.PersistentVolumeClaims => [.. LimitRules.Of(store.State, request.Namespace).Where(l => l.Str("type") == "PersistentVolumeClaim").SelectMany(l => Claim(l, obj))],
            _ => [],
        };
        return problems.Count == 0 ? ValueTask.CompletedTask
            : throw ApiException.Forbidden(request.Definition.Key, request.Name, problems.Count == 1 ? problems[0] : $"[{string.Join(", ", problems)}]");
    }

    private static IEnumerable<string> Pod(JsonNode limit, JsonObject pod) => limit.Str("type") switch
    {
        "Container" => (pod.Arr("spec", "containers") ?? []).Concat(pod.Arr("spec", "initContainers") ?? [])
            .SelectMany(c => LimitRules.Problems(limit, "Container", PodResources.Of(c, "requests"), PodResources.Of(c, "limits"))),
        "Pod" => LimitRules.Problems(limit, "Pod", PodResources.Sum(pod, "requests"), PodResources.Sum(pod, "limits")),
        _ => [],
    };

    private static IEnumerable<string> Claim(JsonNode limit, JsonObject claim)
    {
        var asked = PodResources.Of(claim.Obj("spec"), "requests");
        foreach (var (name, node) in limit.Obj("min") ?? [])
        {
            if (LimitRules.Below(name, "PersistentVolumeClaim", Amount.Parse(node) ?? default, asked, []) is { } why)
                yield return why;
        }
        foreach (var (name, node) in limit.Obj("max") ?? [])
        {
            var max = Amount.Parse(node) ?? default;
            if (!asked.TryGetValue(name, out var request))
                yield return $"maximum {name} usage per PersistentVolumeClaim is {max}.  No request is specified";
            else if (request.CompareTo(max) > 0)
                yield return $"maximum {name} usage per PersistentVolumeClaim is {max}, but request is {request}";
        }
    }
}
