using Akka.Actor;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Streams;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Websockets to an instance: its console, its display, a USB device for it, its ports.</summary>
public sealed class StreamEndpoints(IKubeClient kubernetes, Authorizer authorizer, ActorSystem actors, Func<IActorRef> nodes)
{
    public static readonly string[] Names = ["console", "vnc", "usbredir", "vsock", PortForward];
    public const string PortForward = "portforward";
    private const string Protocol = "plain.kubevirt.io";

    public void Map(WebApplication app, string version)
    {
        Map(app, version, "console", StreamCommands.CheckConsole, StreamKind.Console);
        Map(app, version, "vnc", StreamCommands.CheckVnc, StreamKind.Vnc);
        Map(app, version, "usbredir", StreamCommands.CheckUsbRedirection, StreamKind.Usbredir);
        app.MapGet(SubresourceApi.Route(version, InstanceEndpoints.Resource, "vsock"), (HttpContext c, string ns, string name) =>
            HandleAsync(c, InstanceEndpoints.Resource, "vsock", ns, name, StreamCommands.CheckVsock, VsockAsync));
        foreach (var resource in new[] { InstanceEndpoints.Resource, MachineEndpoints.Resource })
        {
            app.MapGet(SubresourceApi.Route(version, resource, $"{PortForward}/{{port:int}}/{{protocol?}}"), (HttpContext c, string ns, string name, int port, string? protocol) =>
                HandleAsync(c, resource, PortForward, ns, name, StreamCommands.CheckPortForward, (context, vmi) => ForwardAsync(context, vmi, port, protocol ?? "tcp")));
        }
    }

    private void Map(WebApplication app, string version, string subresource, Func<VirtualMachineInstance, Refusal?> check, StreamKind kind) =>
        app.MapGet(SubresourceApi.Route(version, InstanceEndpoints.Resource, subresource), (HttpContext c, string ns, string name) =>
            HandleAsync(c, InstanceEndpoints.Resource, subresource, ns, name, check, (context, vmi) => StreamAsync(context, vmi, o => o with { Kind = kind, PreserveSession = kind is StreamKind.Vnc && QueryFlag.IsSet(context, "preserveSession") })));

    private Task VsockAsync(HttpContext context, VirtualMachineInstance vmi)
    {
        var (refusal, port, tls) = StreamCommands.VsockPort(context.Request.Query["port"], context.Request.Query["tls"]);
        return refusal?.WriteAsync(context.Response) ?? StreamAsync(context, vmi, o => o with { Kind = StreamKind.Vsock, ContextId = vmi.Status!.VSOCKCID!.Value, Port = port, Tls = tls });
    }

    private async Task HandleAsync(
        HttpContext context, string resource, string subresource, string ns, string name, Func<VirtualMachineInstance, Refusal?> check, Func<HttpContext, VirtualMachineInstance, Task> open)
    {
        var refusal = await authorizer.RefusalAsync(context, new Access("get", ns, resource, subresource, name));
        VirtualMachineInstance? vmi = null;
        if (refusal is null)
            (refusal, vmi) = await (resource == MachineEndpoints.Resource
                ? InstanceLookup.FindOfMachineAsync(kubernetes, ns, name, $"unable to retrieve vmi [{name}] for vm", context.RequestAborted)
                : InstanceLookup.FindAsync(kubernetes, ns, name, context.RequestAborted));
        refusal ??= check(vmi!) ?? (context.WebSockets.IsWebSocketRequest ? null : Refusal.BadRequest("this is a websocket: ask for an upgrade"));
        await (refusal?.WriteAsync(context.Response) ?? open(context, vmi!));
    }

    private async Task StreamAsync(HttpContext context, VirtualMachineInstance vmi, Func<OpenStream, OpenStream> what)
    {
        if (vmi.Status is not { NodeName: { } node, ActivePods: { } pods } || pods.FirstOrDefault(p => p.Value == node).Key is not { } pod)
        {
            await Refusal.BadRequest(StreamCommands.NotRunning).WriteAsync(context.Response);
            return;
        }

        System.Net.WebSockets.WebSocket? socket = null;
        var done = new TaskCompletionSource<StreamClosed?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var open = what(new OpenStream(node, vmi.Metadata.Uid!, pod, StreamKind.Console, ""));
        actors.ActorOf(StreamSession.Props(async () => socket = await AcceptAsync(context), nodes(), open, done));
        var refused = await done.Task;
        socket?.Dispose();
        if (refused is not null)
            await (refused.IsBusy ? new Refusal(503, "ServiceUnavailable", refused.Reason) : Refusal.Internal(refused.Reason)).WriteAsync(context.Response);
    }

    private static async Task ForwardAsync(HttpContext context, VirtualMachineInstance vmi, int port, string protocol)
    {
        var address = vmi.Status!.Interfaces![0].IpAddress;
        using var tunnel = await PortTunnel.OpenAsync(address, port, protocol, context.RequestAborted);
        if (tunnel.Problem is { } problem)
        {
            await problem.WriteAsync(context.Response);
            return;
        }

        using var socket = await AcceptAsync(context);
        await tunnel.RunAsync(socket, context.RequestAborted);
    }

    private static Task<System.Net.WebSockets.WebSocket> AcceptAsync(HttpContext context) =>
        context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null);
}
