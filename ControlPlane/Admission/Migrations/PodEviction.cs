using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Migration.Planning;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Admission.Migrations;

/// <summary>
/// pods/eviction: a guest that is to move is marked, and its pod's eviction refused with 429 until the guest has gone. Whoever drains
/// the node asks again, and in the end finds the pod completed and may have it.
/// </summary>
internal static class PodEviction
{
    private const int TooManyRequests = 429;
    private const string RequestedBy = "requested-by";
    private const string DeschedulerRequester = "sigs.k8s.io/descheduler";

    public static async Task<AdmissionAnswer> Validate(AdmissionCall call, CancellationToken ct)
    {
        if (await call.Objects.FindAsync<Pod>(call.Request.Namespace, call.Request.Name ?? "", ct) is not { } pod)
            return Verdict.Allowed;
        return pod.Metadata.Labels?.GetValueOrDefault(Labels.App) switch
        {
            Labels.HotplugApp => await OfHotplugPod(call, pod, ct),
            Labels.LauncherApp when !IsCompleted(pod) => await OfLauncher(call, pod, ct),
            _ => Verdict.Allowed,
        };
    }

    /// <summary>The pod through which a volume was plugged in goes when its guest goes.</summary>
    private static async Task<Verdict> OfHotplugPod(AdmissionCall call, Pod pod, CancellationToken ct)
    {
        if (pod.Metadata.OwnerReferences is not [{ Name: { } owner }]
            || await call.Objects.FindAsync<Pod>(pod.Metadata.Namespace, owner, ct) is not { } launcher
            || launcher.Metadata.Labels?.GetValueOrDefault(Labels.App) != Labels.LauncherApp || IsCompleted(launcher)
            || launcher.Metadata.Annotations?.GetValueOrDefault(Annotations.Domain) is not { } vmi
            || await call.Objects.FindAsync<VirtualMachineInstance>(pod.Metadata.Namespace, vmi, ct) is null)
        {
            return Verdict.Allowed;
        }

        return Denied($"cannot evict hotplug pod: {pod.Metadata.Name} associated with running vmi: {vmi} in namespace {pod.Metadata.Namespace}");
    }

    private static async Task<Verdict> OfLauncher(AdmissionCall call, Pod pod, CancellationToken ct)
    {
        if (pod.Metadata.Annotations?.GetValueOrDefault(Annotations.Domain) is not { } name)
            return Verdict.Allowed;
        if (await call.Objects.FindAsync<VirtualMachineInstance>(call.Request.Namespace, name, ct) is not { } vmi)
            return Denied($"kubevirt failed getting the vmi: virtualmachineinstances.kubevirt.io \"{name}\" not found");
        var isMigratable = Guests.IsMigratable(vmi);
        switch (Guests.EvictionStrategyOf(vmi, call.Config))
        {
            case EvictionStrategies.LiveMigrate when !isMigratable:
                return Denied($"VMI {name} is configured with an eviction strategy but is not live-migratable");
            case EvictionStrategies.LiveMigrate or EvictionStrategies.External:
            case EvictionStrategies.LiveMigrateIfPossible when isMigratable:
                return await Evacuate(call, pod, vmi, ct);
            default:
                return Verdict.Allowed;
        }
    }

    private static async Task<Verdict> Evacuate(AdmissionCall call, Pod pod, VirtualMachineInstance vmi, CancellationToken ct)
    {
        // Deschedulers look for this text.
        var triggered = $"Eviction triggered evacuation of VMI \"{vmi.Metadata.Namespace}/{vmi.Metadata.Name}\"";
        if (vmi.Status?.EvacuationNodeName is { Length: > 0 })
            return Denied($"Evacuation in progress: {triggered}");
        if ((vmi.Status?.NodeName ?? "") != (pod.Spec?.NodeName ?? ""))
            return Denied("Eviction request for target Pod");
        try
        {
            await call.Objects.PatchAsync<VirtualMachineInstance>(vmi.Metadata.Namespace, vmi.Metadata.Name!, Mark(vmi, pod.Spec?.NodeName, IsByDescheduler(call.Request.Object)), IsDryRun(call.Request), ct);
        }
        catch (Exception e) when (e is KubeException or HttpRequestException)
        {
            return Denied($"kubevirt failed marking the vmi for eviction: {e.Message}");
        }

        return Denied(triggered);
    }

    private static JsonArray Mark(VirtualMachineInstance vmi, string? node, bool isByDescheduler)
    {
        JsonArray patch = [Add("/status/evacuationNodeName", node)];
        if (isByDescheduler)
        {
            patch.Add(vmi.Metadata.Annotations is { Count: > 0 }
                ? Add($"/metadata/annotations/{Annotations.EvictionSource.Replace("/", "~1", StringComparison.Ordinal)}", Annotations.Descheduler)
                : Add("/metadata/annotations", new JsonObject { [Annotations.EvictionSource] = Annotations.Descheduler }));
        }

        return patch;
    }

    private static JsonNode Add(string path, JsonNode? value) => new JsonObject { ["op"] = "add", ["path"] = path, ["value"] = value };

    private static bool IsByDescheduler(JsonElement eviction) =>
        Member(Member(Member(eviction, "metadata"), "annotations"), RequestedBy) is { ValueKind: JsonValueKind.String } by && by.GetString() == DeschedulerRequester;

    /// <summary>The request may say it, or the deletion that it asks for.</summary>
    private static bool IsDryRun(AdmissionRequest request) => request.DryRun is true
        || (Member(Member(request.Object, "deleteOptions"), "dryRun") is { ValueKind: JsonValueKind.Array } list && list.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.String } first && first.GetString() == "All");

    private static JsonElement Member(JsonElement obj, string name) => obj.ValueKind is JsonValueKind.Object && obj.TryGetProperty(name, out var value) ? value : default;

    private static bool IsCompleted(Pod pod) => pod.Status?.Phase is "Failed" or "Succeeded";

    private static Verdict Denied(string message) => Verdict.Error(message, TooManyRequests);
}
