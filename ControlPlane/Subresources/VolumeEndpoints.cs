using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Subresources;

/// <summary>addvolume and removevolume of machines and instances. What owns them does the work; the answer is 202.</summary>
public sealed class VolumeEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public static readonly string[] Names = ["addvolume", "removevolume"];

    public void Map(WebApplication app, string version)
    {
        Map(app, version, "addvolume", ApiJson.Default.AddVolumeOptions, VolumeCommands.Request);
        Map(app, version, "removevolume", ApiJson.Default.RemoveVolumeOptions, VolumeCommands.Request);
    }

    private void Map<T>(WebApplication app, string version, string subresource, JsonTypeInfo<T> type, Func<T, (Refusal?, VirtualMachineVolumeRequest?)> read) where T : new()
    {
        foreach (var resource in new[] { MachineEndpoints.Resource, InstanceEndpoints.Resource })
        {
            app.MapPut(SubresourceApi.Route(version, resource, subresource), async (HttpContext context, string ns, string name) =>
            {
                var refusal = await authorizer.RefusalAsync(context, new Access("update", ns, resource, subresource, name)) ?? VolumeCommands.CheckGate(config());
                T? options = default;
                if (refusal is null)
                    (refusal, options) = await RequestBody.ReadAsync(context, type);
                VirtualMachineVolumeRequest? request = null;
                if (refusal is null)
                    (refusal, request) = read(options!);
                refusal ??= resource == InstanceEndpoints.Resource
                    ? await ChangeInstanceAsync(ns, name, request!, context.RequestAborted)
                    : await ChangeMachineAsync(ns, name, request!, context.RequestAborted);
                if (refusal is null)
                    context.Response.StatusCode = StatusCodes.Status202Accepted;
                else
                    await refusal.WriteAsync(context.Response);
            });
        }
    }

    private async Task<Refusal?> ChangeInstanceAsync(string ns, string name, VirtualMachineVolumeRequest request, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct) is not { } instance)
            return Refusal.NotFound(Refusal.Instances, name);
        var (refusal, patch) = VolumeCommands.OfInstance(instance, request, config());
        return refusal ?? await PatchAsync<VirtualMachineInstance>(ns, name, patch!, null, request, "unable to patch vmi", ct);
    }

    private async Task<Refusal?> ChangeMachineAsync(string ns, string name, VirtualMachineVolumeRequest request, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is not { } machine)
            return Refusal.NotFound(Refusal.Machines, name);
        var (refusal, patch, ofStatus) = VolumeCommands.OfMachine(machine, request, config());
        return refusal ?? await PatchAsync<VirtualMachine>(ns, name, patch!, ofStatus ? "status" : null, request, ofStatus ? "unable to patch vm status" : "unable to patch vm", ct);
    }

    private async Task<Refusal?> PatchAsync<T>(string ns, string name, JsonArray patch, string? subresource, VirtualMachineVolumeRequest request, string failure, CancellationToken ct)
        where T : KubeObject
    {
        var isDryRun = (request.AddVolumeOptions?.DryRun ?? request.RemoveVolumeOptions?.DryRun) is ["All", ..];
        try
        {
            await kubernetes.PatchAsync<T>(ns, name, PatchType.Json, patch, subresource, new PatchQuery(DryRun: isDryRun), ct);
            return null;
        }
        catch (KubeException e)
        {
            return e.Reason == "Invalid" ? new Refusal(e.Code, e.Reason, e.Message) : Refusal.Internal($"{failure}: {e.Message}");
        }
    }
}
