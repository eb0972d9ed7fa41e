using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Streams;

namespace Troupe.ControlPlane.Subresources;

/// <summary>`subresources.kubevirt.io`: what virtctl connects to, behind the API server's aggregation layer.</summary>
public sealed class SubresourceApi(IKubeClient kubernetes, Authorizer authorizer, ActorSystem actors, Func<IActorRef> nodes, Func<ClusterConfig> config)
{
    public const string Group = "subresources.kubevirt.io";
    public static readonly string[] Versions = ["v1", "v1alpha3"];
    private const string Protocol = "plain.kubevirt.io";
    private static readonly string[] Streams = ["console", "vnc"];

    public void Map(WebApplication app)
    {
        app.UseWebSockets();
        var (machines, instances) = (new MachineEndpoints(kubernetes, authorizer), new InstanceEndpoints(kubernetes, authorizer, actors, nodes));
        var expand = new ExpandEndpoints(kubernetes, authorizer, config);
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/readyz", () => "ok");
        app.MapGet("/apis", () => Json(new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray(GroupDocument()) }));
        app.MapGet($"/apis/{Group}", () => Json(GroupDocument()));
        foreach (var version in Versions)
        {
            app.MapGet($"/apis/{Group}/{version}", () => Json(Resources(version)));
            app.MapGet($"/apis/{Group}/{version}/version", () => Json(new JsonObject { ["gitVersion"] = "v1.9.0-troupe", ["platform"] = "linux/amd64" }));
            app.MapGet($"/apis/{Group}/{version}/namespaces/{{ns}}/virtualmachineinstances/{{name}}/console", (HttpContext c, string ns, string name) => StreamAsync(c, ns, name, "console", StreamKind.Console));
            app.MapGet($"/apis/{Group}/{version}/namespaces/{{ns}}/virtualmachineinstances/{{name}}/vnc", (HttpContext c, string ns, string name) => StreamAsync(c, ns, name, "vnc", StreamKind.Vnc));
            machines.Map(app, version);
            expand.Map(app, version);
            instances.Map(app, version);
        }
    }

    private async Task StreamAsync(HttpContext context, string ns, string name, string subresource, StreamKind kind)
    {
        if (await authorizer.RefusalAsync(context, new Access("get", ns, InstanceEndpoints.Resource, subresource, name)) is { } denied)
        {
            await denied.WriteAsync(context.Response);
            return;
        }

        if (await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, context.RequestAborted) is not { } vmi)
        {
            await Refusal.NotFound(Refusal.Instances, name).WriteAsync(context.Response);
            return;
        }

        if (vmi.Status is not { Phase: VmiPhases.Running, NodeName: { } node, ActivePods: { } pods } || pods.FirstOrDefault(p => p.Value == node).Key is not { } pod)
        {
            await new Refusal(409, "Conflict", $"Unable to connect to VirtualMachineInstance \"{name}\": VMI is not running").WriteAsync(context.Response);
            return;
        }

        var devices = vmi.Spec?.Domain?.Devices;
        if (kind is StreamKind.Console ? devices?.AutoattachSerialConsole is false : devices?.AutoattachGraphicsDevice is false)
        {
            await Refusal.BadRequest(kind is StreamKind.Console ? "No serial consoles are present." : "No graphics devices are present.").WriteAsync(context.Response);
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Refusal.BadRequest("this is a websocket: ask for an upgrade").WriteAsync(context.Response);
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actors.ActorOf(StreamSession.Props(socket, nodes(), new OpenStream(node, vmi.Metadata.Uid!, pod, kind, ""), done));
        await done.Task;
    }

    private static JsonObject GroupDocument()
    {
        var versions = Versions.Select(v => (JsonNode)new JsonObject { ["groupVersion"] = $"{Group}/{v}", ["version"] = v }).ToArray();
        return new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1", ["name"] = Group, ["versions"] = new JsonArray(versions), ["preferredVersion"] = versions[0].DeepClone() };
    }

    private static JsonObject Resources(string version) => new()
    {
        ["kind"] = "APIResourceList",
        ["apiVersion"] = "v1",
        ["groupVersion"] = $"{Group}/{version}",
        ["resources"] = new JsonArray(
        [
            Resource(MachineEndpoints.Resource, EvacuateEndpoints.Name, "update"), Resource(InstanceEndpoints.Resource, EvacuateEndpoints.Name, "update"),
            .. MachineEndpoints.Names.Select(n => Resource(MachineEndpoints.Resource, n, "update")),
            Resource(MachineEndpoints.Resource, ExpandEndpoints.Name, "get"), Resource(ExpandEndpoints.OfManifest, null, "update"),
            .. InstanceEndpoints.Puts.Select(n => Resource(InstanceEndpoints.Resource, n, "update")),
            .. Streams.Concat(InstanceEndpoints.Gets).Select(n => Resource(InstanceEndpoints.Resource, n, "get")),
        ]),
    };

    private static JsonNode Resource(string resource, string? subresource, string verb) => new JsonObject
    {
        ["name"] = subresource is null ? resource : $"{resource}/{subresource}",
        ["singularName"] = "",
        ["namespaced"] = true,
        ["kind"] = "",
        ["verbs"] = new JsonArray(verb),
    };

    private static IResult Json(JsonObject document) => Results.Text(document.ToJsonString(), "application/json");
}
