using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Subresources;

/// <summary>What the group itself tells, open to all, and the attestation of encrypted guests, which is refused in words.</summary>
public sealed class InfoEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public static readonly string[] SevGets = ["sev/fetchcertchain", "sev/querylaunchmeasurement"];
    public static readonly string[] SevPuts = ["sev/setupsession", "sev/injectlaunchsecret"];

    public void Map(WebApplication app, string version)
    {
        var root = $"/apis/{SubresourceApi.Group}/{version}";
        app.MapGet($"{root}/healthz", async (HttpContext context) =>
        {
            try
            {
                var server = await kubernetes.FindRawAsync("version", context.RequestAborted);
                return Json(new JsonObject { ["apiserver"] = new JsonObject { ["connectivity"] = "ok", ["version"] = server is { } v ? JsonNode.Parse(v.GetRawText()) : null } });
            }
            catch (Exception e) when (e is KubeException or HttpRequestException)
            {
                return Json(new JsonObject { ["apiserver"] = new JsonObject { ["connectivity"] = "failed", ["error"] = e.Message } }, StatusCodes.Status500InternalServerError);
            }
        });
        app.MapGet($"{root}/guestfs", () => Json(
            new JsonObject { ["guestfs"] = new JsonObject { ["status"] = "failed", ["error"] = "this installation has no libguestfs-tools image; name one with virtctl guestfs --image" } },
            StatusCodes.Status500InternalServerError));
        foreach (var sev in SevGets)
            app.MapGet(SubresourceApi.Route(version, InstanceEndpoints.Resource, sev), (HttpContext c, string ns, string name) => SevAsync(c, ns, name, "get", sev));
        foreach (var sev in SevPuts)
            app.MapPut(SubresourceApi.Route(version, InstanceEndpoints.Resource, sev), (HttpContext c, string ns, string name) => SevAsync(c, ns, name, "update", sev));
    }

    private async Task SevAsync(HttpContext context, string ns, string name, string verb, string subresource)
    {
        var refusal = await authorizer.RefusalAsync(context, new Access(verb, ns, InstanceEndpoints.Resource, subresource, name));
        if (refusal is null && !config().IsEnabled(FeatureGates.WorkloadEncryptionSEV))
            refusal = Refusal.BadRequest($"'{FeatureGates.WorkloadEncryptionSEV}' feature gate is not enabled");
        if (refusal is null && subresource == "sev/setupsession")
        {
            (refusal, var options) = await RequestBody.ReadAsync(context, ApiJson.Default.SEVSessionOptions);
            refusal ??= SessionRefusal(options!);
        }

        if (refusal is null)
            refusal = await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, context.RequestAborted) is { } vmi ? SevRefusal(vmi, subresource) : Refusal.NotFound(Refusal.Instances, name);
        await refusal.WriteAsync(context.Response);
    }

    public static Refusal? SessionRefusal(SEVSessionOptions options) =>
        options.Session is null or "" ? Refusal.BadRequest("Session blob is required")
        : options.DhCert is null or "" ? Refusal.BadRequest("DH cert is required")
        : null;

    /// <summary>No guest of Troupe's waits for its attestation: a launcher refuses to start one that wants it.</summary>
    public static Refusal SevRefusal(VirtualMachineInstance vmi, string subresource)
    {
        Refusal Conflict(string text) => Refusal.Conflict(Refusal.Instances, vmi.Metadata.Name!, text);
        var phase = vmi.Status?.Phase;
        return subresource switch
        {
            "sev/fetchcertchain" when phase is not (VmiPhases.Scheduled or VmiPhases.Running) => Conflict("VMI is not assigned to a node yet"),
            "sev/setupsession" when phase is not VmiPhases.Scheduled => Conflict("VMI is not in Scheduled phase"),
            "sev/querylaunchmeasurement" or "sev/injectlaunchsecret" when phase is not VmiPhases.Running => Conflict("VMI is not running"),
            _ when vmi.Spec?.Domain?.LaunchSecurity?.Sev?.Attestation is null => Conflict("Attestation not requested for VMI"),
            "sev/setupsession" when vmi.Spec.Domain.LaunchSecurity.Sev is { Session.Length: > 0 } or { DhCert.Length: > 0 } => Conflict("Session already defined"),
            "sev/querylaunchmeasurement" or "sev/injectlaunchsecret" when vmi.Status?.Conditions?.Any(c => c.Type == Conditions.Paused) is not true => Conflict("VMI is not paused"),
            _ => Conflict("Troupe does not support the attestation of SEV guests"),
        };
    }

    private static IResult Json(JsonObject document, int code = StatusCodes.Status200OK) => Results.Text(document.ToJsonString(), "application/json", statusCode: code);
}
