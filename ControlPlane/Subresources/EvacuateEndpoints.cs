using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Subresources;

/// <summary>evacuate/cancel of an instance, or of the machine that runs it: an eviction was asked for, and the guest is to stay after all.</summary>
public sealed class EvacuateEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public const string Name = "evacuate/cancel";

    public void Map(WebApplication app, string version)
    {
        Map(app, version, InstanceEndpoints.Resource, (ns, name, ct) => InstanceLookup.FindAsync(kubernetes, ns, name, ct));
        // The text is KubeVirt's to the letter.
        Map(app, version, MachineEndpoints.Resource, (ns, name, ct) => InstanceLookup.FindOfMachineAsync(kubernetes, ns, name, $"unable to retrieve vmi [{name}] for vm: <nil>", ct));
    }

    private void Map(WebApplication app, string version, string resource, Func<string, string, CancellationToken, Task<(Refusal?, VirtualMachineInstance?)>> find) =>
        app.MapPut(SubresourceApi.Route(version, resource, Name), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("update", ns, resource, Name, name));
            VirtualMachineInstance? vmi = null;
            if (refusal is null)
                (refusal, vmi) = await find(ns, name, context.RequestAborted);
            refusal ??= await NodeRefusalAsync(vmi!, context.RequestAborted);
            if (refusal is null && vmi!.Status?.EvacuationNodeName is { Length: > 0 })
                refusal = await CancelAsync(vmi, context);
            if (refusal is not null)
                await refusal.WriteAsync(context.Response);
        });

    /// <summary>As long as the node itself is marked, one guest's mark means nothing.</summary>
    private async Task<Refusal?> NodeRefusalAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        var name = vmi.Status?.EvacuationNodeName is { Length: > 0 } marked ? marked : vmi.Status?.NodeName;
        if (name is not { Length: > 0 })
            return Refusal.Internal("resource name may not be empty");
        if (await kubernetes.FindAsync<Node>(null, name, ct) is not { } node)
            return Refusal.Internal($"nodes \"{name}\" not found");
        return EvacuateCommands.NodeRefusal(node, config().NodeDrainTaintKey);
    }

    private async Task<Refusal?> CancelAsync(VirtualMachineInstance vmi, HttpContext context)
    {
        var (refusal, options) = await RequestBody.ReadAsync(context, ApiJson.Default.EvacuateCancelOptions);
        if (refusal is not null)
            return refusal;
        try
        {
            await kubernetes.PatchAsync<VirtualMachineInstance>(vmi.Metadata.Namespace, vmi.Metadata.Name!, PatchType.Json, EvacuateCommands.Cancel(options!),
                query: new PatchQuery(DryRun: options!.DryRun is ["All", ..]), ct: context.RequestAborted);
            return null;
        }
        catch (KubeException e)
        {
            return Refusal.Internal(e.Message);
        }
    }
}

/// <summary>What evacuate/cancel changes, and when it may not.</summary>
internal static class EvacuateCommands
{
    private const string Path = "/status/evacuationNodeName";

    public static Refusal? NodeRefusal(Node node, string taintKey) => node.Spec?.Taints?.FirstOrDefault(t => t.Key == taintKey && t.Effect == "NoSchedule") is null
        ? null
        : Refusal.BadRequest($"Node \"{node.Metadata.Name}\" has NodeDrainTaintKey \"{taintKey}:NoSchedule\"");

    /// <summary>Only the mark that the caller has seen is taken away.</summary>
    public static JsonArray Cancel(EvacuateCancelOptions options) =>
    [
        new JsonObject { ["op"] = "test", ["path"] = Path, ["value"] = options.EvacuationNodeName },
        new JsonObject { ["op"] = "remove", ["path"] = Path },
    ];
}
