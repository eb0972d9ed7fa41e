using System.Text.Json;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Subresources;

/// <summary>objectgraph of machines and instances.</summary>
public sealed class ObjectGraphEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public const string Name = "objectgraph";

    public void Map(WebApplication app, string version)
    {
        Map(app, version, MachineEndpoints.Resource, async (ns, name, ct) => await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is { } machine
            ? (null, ObjectGraphs.Of(machine, machine.Status?.Created is true ? await PodAsync(ns, name, ct) : null, await StateClaimAsync(ns, name, machine.Spec?.Template?.Spec, ct)))
            : (Refusal.NotFound(Refusal.Machines, name), null));
        Map(app, version, InstanceEndpoints.Resource, async (ns, name, ct) => await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct) is { } instance
            ? (null, ObjectGraphs.Of(instance, await PodAsync(ns, name, ct), await StateClaimAsync(ns, name, instance.Spec, ct)))
            : (Refusal.NotFound(Refusal.Instances, name), null));
    }

    private void Map(WebApplication app, string version, string resource, Func<string, string, CancellationToken, Task<(Refusal?, ObjectGraphNode?)>> read) =>
        app.MapGet(SubresourceApi.Route(version, resource, Name), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("get", ns, resource, Name, name));
            if (refusal is null && !config().IsEnabled(FeatureGates.ObjectGraph))
                refusal = Refusal.BadRequest("ObjectGraph feature gate not enabled: Unable to return object graph.");
            var (graph, options) = ((ObjectGraphNode?)null, (ObjectGraphOptions?)null);
            if (refusal is null)
                (refusal, graph) = await read(ns, name, context.RequestAborted);
            if (refusal is null)
                (refusal, options) = await RequestBody.ReadAsync(context, ApiJson.Default.ObjectGraphOptions);
            if (refusal is not null)
            {
                await refusal.WriteAsync(context.Response);
                return;
            }

            context.Response.ContentType = "application/json";
            await JsonSerializer.SerializeAsync(context.Response.Body, ObjectGraphs.Select(graph!, options!), ApiJson.Default.ObjectGraphNode, context.RequestAborted);
        });

    private async Task<string?> PodAsync(string ns, string name, CancellationToken ct)
    {
        var pods = await kubernetes.ListAsync<Pod>(ns, new ListQuery(LabelSelector: $"{Labels.App}={Labels.LauncherApp}"), ct);
        return pods.Items.FirstOrDefault(p => p.Metadata.OwnerReferences?.Any(o => o.Kind == "VirtualMachineInstance" && o.Name == name) is true
            || p.Metadata.Annotations?.GetValueOrDefault("kubevirt.io/domain") == name)?.Metadata.Name;
    }

    /// <summary>Null before the first start, too, which makes it.</summary>
    private async Task<string?> StateClaimAsync(string ns, string name, VirtualMachineInstanceSpec? spec, CancellationToken ct)
    {
        var instance = new VirtualMachineInstance { Metadata = new() { Name = name }, Spec = spec };
        return StateVolume.IsNeeded(instance)
            ? (await kubernetes.ListAsync<PersistentVolumeClaim>(ns, new ListQuery(LabelSelector: StateVolume.Selector(instance)), ct)).Items.MaxBy(c => c.Metadata.CreationTimestamp)?.Metadata.Name
            : null;
    }
}
