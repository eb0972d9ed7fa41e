using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Streams;
using Status = Troupe.Messages.Api.Meta.Status;

namespace Troupe.ControlPlane.Subresources;

/// <summary>`subresources.kubevirt.io`: what virtctl connects to, behind the API server's aggregation layer.</summary>
public sealed class SubresourceApi(IKubeClient kubernetes, FrontProxy proxy, ActorSystem actors, Func<IActorRef> nodes)
{
    public const string Group = "subresources.kubevirt.io";
    public static readonly string[] Versions = ["v1", "v1alpha3"];
    private const string Protocol = "plain.kubevirt.io";
    private static readonly string[] Streams = ["console", "vnc"];

    public void Map(WebApplication app)
    {
        app.UseWebSockets();
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
        }
    }

    private async Task StreamAsync(HttpContext context, string ns, string name, string subresource, StreamKind kind)
    {
        if (proxy.CallerOf(context) is not { } caller)
        {
            await RefuseAsync(context, 401, "Unauthorized", "Unauthorized");
            return;
        }

        if (await DeniedAsync(caller, ns, name, subresource, context.RequestAborted) is { } denied)
        {
            await RefuseAsync(context, 403, "Forbidden", denied);
            return;
        }

        if (await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, context.RequestAborted) is not { } vmi)
        {
            await RefuseAsync(context, 404, "NotFound", $"virtualmachineinstance.kubevirt.io \"{name}\" not found");
            return;
        }

        if (vmi.Status is not { Phase: VmiPhases.Running, NodeName: { } node, ActivePods: { } pods } || pods.FirstOrDefault(p => p.Value == node).Key is not { } pod)
        {
            await RefuseAsync(context, 409, "Conflict", $"Unable to connect to VirtualMachineInstance \"{name}\": VMI is not running");
            return;
        }

        var devices = vmi.Spec?.Domain?.Devices;
        if (kind is StreamKind.Console ? devices?.AutoattachSerialConsole is false : devices?.AutoattachGraphicsDevice is false)
        {
            await RefuseAsync(context, 400, "BadRequest", kind is StreamKind.Console ? "No serial consoles are present." : "No graphics devices are present.");
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(context, 400, "BadRequest", "this is a websocket: ask for an upgrade");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actors.ActorOf(StreamSession.Props(socket, nodes(), new OpenStream(node, vmi.Metadata.Uid!, pod, kind, ""), done));
        await done.Task;
    }

    /// <summary>Null when the API server allows it.</summary>
    private async Task<string?> DeniedAsync(Caller caller, string ns, string name, string subresource, CancellationToken ct)
    {
        var review = await kubernetes.PostRawAsync("apis/authorization.k8s.io/v1/subjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1", ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = caller.User, ["groups"] = new JsonArray([.. caller.Groups.Select(g => (JsonNode)g)]),
                ["resourceAttributes"] = new JsonObject
                {
                    ["namespace"] = ns, ["verb"] = "get", ["group"] = Group, ["version"] = "v1", ["resource"] = "virtualmachineinstances", ["subresource"] = subresource, ["name"] = name,
                },
            },
        }, ct);
        return (bool?)review["status"]?["allowed"] is true
            ? null
            : $"virtualmachineinstances.{Group} \"{name}\" is forbidden: User \"{caller.User}\" cannot get resource \"virtualmachineinstances/{subresource}\" in API group \"{Group}\" in the namespace \"{ns}\"";
    }

    private static JsonObject GroupDocument()
    {
        var versions = Versions.Select(v => (JsonNode)new JsonObject { ["groupVersion"] = $"{Group}/{v}", ["version"] = v }).ToArray();
        return new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1", ["name"] = Group, ["versions"] = new JsonArray(versions), ["preferredVersion"] = versions[0].DeepClone() };
    }

    private static JsonObject Resources(string version) => new()
    {
        ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = $"{Group}/{version}",
        ["resources"] = new JsonArray([.. Streams.Select(s => (JsonNode)new JsonObject
        {
            ["name"] = $"virtualmachineinstances/{s}", ["singularName"] = "", ["namespaced"] = true, ["kind"] = "", ["verbs"] = new JsonArray("get"),
        })]),
    };

    private static IResult Json(JsonObject document) => Results.Text(document.ToJsonString(), "application/json");

    private static Task RefuseAsync(HttpContext context, int code, string reason, string message)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(new Status { Code = code, Reason = reason, Message = message, Outcome = "Failure" }, ApiJson.Default.Status));
    }
}
