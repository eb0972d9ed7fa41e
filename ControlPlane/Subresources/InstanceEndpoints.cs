using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Subresources of a running instance that its launcher carries out: pause, freeze, reset, what the guest agent knows …</summary>
public sealed class InstanceEndpoints(IKubeClient kubernetes, Authorizer authorizer, EventRecorder events, ActorSystem actors, Func<IActorRef> nodes)
{
    public const string Resource = "virtualmachineinstances";
    public static readonly string[] Puts = ["pause", "unpause", "freeze", "unfreeze", "softreboot", "reset"];
    public static readonly string[] Gets = ["guestosinfo", "userlist", "filesystemlist", "vnc/screenshot"];
    private const int DefaultUnfreezeSeconds = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public void Map(WebApplication app, string version)
    {
        Put(app, version, "pause", async context =>
        {
            var (refusal, options) = await RequestBody.ReadAsync(context, ApiJson.Default.PauseOptions);
            return new Wish(refusal, new PauseDomain(), IsDryRun(options?.DryRun));
        }, InstanceCommands.CheckPause);
        Put(app, version, "unpause", async context =>
        {
            var (refusal, options) = await RequestBody.ReadAsync(context, ApiJson.Default.UnpauseOptions);
            return new Wish(refusal, new UnpauseDomain(), IsDryRun(options?.DryRun));
        }, InstanceCommands.CheckUnpause, async (ns, name, ct) => InstanceCommands.CheckSnapshot(await kubernetes.FindAsync<VirtualMachine>(ns, name, ct)));
        Put(app, version, "freeze", async context =>
        {
            var (refusal, options) = await RequestBody.ReadAsync(context, ApiJson.Default.FreezeUnfreezeTimeout);
            return new Wish(refusal, new FreezeGuest((int?)options?.UnfreezeTimeout?.Value.TotalSeconds ?? DefaultUnfreezeSeconds));
        }, InstanceCommands.CheckFreeze);
        Put(app, version, "unfreeze", _ => Task.FromResult(new Wish(null, new UnfreezeGuest())), InstanceCommands.CheckUnfreeze);
        Put(app, version, "softreboot", _ => Task.FromResult(new Wish(null, new SoftRebootGuest())), InstanceCommands.CheckSoftReboot);
        Put(app, version, "reset", _ => Task.FromResult(new Wish(null, new ResetDomain())), _ => null);
        Get(app, version, "guestosinfo", _ => new AskGuestAgent(), InstanceCommands.CheckGuestInfo, (result, response) => WriteAsync(response, GuestDocuments.Info(AgentOf(result))));
        Get(app, version, "userlist", _ => new AskGuestAgent(), InstanceCommands.CheckGuestInfo, (result, response) => WriteAsync(response, GuestDocuments.Users(AgentOf(result))));
        Get(app, version, "filesystemlist", _ => new AskGuestAgent(), InstanceCommands.CheckGuestInfo,
            (result, response) => WriteAsync(response, GuestDocuments.Filesystems(AgentOf(result))));
        Get(app, version, "vnc/screenshot", context => new TakeScreenshot(QueryFlag.IsSet(context, "moveCursor")), StreamCommands.CheckVnc, async (result, response) =>
        {
            response.ContentType = "image/png";
            await response.Body.WriteAsync(result?.Bytes ?? []);
        });
    }

    private void Put(
        WebApplication app, string version, string subresource, Func<HttpContext, Task<Wish>> read, Func<VirtualMachineInstance, Refusal?> check,
        Func<string, string, CancellationToken, Task<Refusal?>>? checkFirst = null) =>
        app.MapPut(SubresourceApi.Route(version, Resource, subresource), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("update", ns, Resource, subresource, name));
            if (refusal is null && checkFirst is not null)
                refusal = await checkFirst(ns, name, context.RequestAborted);
            if (refusal is null)
            {
                var wish = await read(context);
                (refusal, _) = wish.Refusal is { } unclear ? (unclear, null) : await OperateAsync(ns, name, wish.Operation, check, wish.IsDryRun, context.RequestAborted);
            }

            if (refusal is not null)
                await refusal.WriteAsync(context.Response);
        });

    private void Get(
        WebApplication app, string version, string subresource, Func<HttpContext, DomainOperation> operation, Func<VirtualMachineInstance, Refusal?> check,
        Func<OperationResult?, HttpResponse, Task> write) =>
        app.MapGet(SubresourceApi.Route(version, Resource, subresource), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("get", ns, Resource, subresource, name));
            OperationResult? result = null;
            if (refusal is null)
                (refusal, result) = await OperateAsync(ns, name, operation(context), check, isDryRun: false, context.RequestAborted);
            await (refusal?.WriteAsync(context.Response) ?? write(result, context.Response));
        });

    private async Task<(Refusal? Refusal, OperationResult? Result)> OperateAsync(
        string ns, string name, DomainOperation operation, Func<VirtualMachineInstance, Refusal?> check, bool isDryRun, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct) is not { } vmi)
            return (Refusal.NotFound(Refusal.Instances, name), null);
        if ((check(vmi) ?? InstanceCommands.CheckNode(vmi, operation)) is { } refusal)
            return (refusal, null);
        if (isDryRun)
            return (null, null);
        if (vmi.Status?.NodeName is not { Length: > 0 } node)
            return (InstanceCommands.OutcomeOf(LauncherError.NoDomain, "it is on no node yet", vmi, operation), null);
        try
        {
            // Once only, and not again: nobody wants a second reset because the first one's answer was lost.
            var here = ((ExtendedActorSystem)actors).Provider.DefaultAddress;
            var answer = await nodes().Ask<DomainOperated>(
                waiting => new OperateGuest(node, vmi.Metadata.Uid!, 0, waiting.Path.ToSerializationFormatWithAddress(here), operation), Patience, ct);
            var failure = InstanceCommands.OutcomeOf(answer.Error, answer.Message, vmi, operation);
            if (InstanceCommands.EventOf(operation, failure) is var (type, reason, message))
                events.Record(About(vmi), type, reason, message);
            return (failure, answer.Result);
        }
        catch (AskTimeoutException)
        {
            return (Refusal.Internal($"node {node} did not answer within {Patience.TotalSeconds:0} s"), null);
        }
    }

    private static ObjectReference About(VirtualMachineInstance vmi) => new()
    {
        ApiVersion = MachineVocabulary.ApiVersion,
        Kind = "VirtualMachineInstance",
        Uid = vmi.Metadata.Uid,
        Name = vmi.Metadata.Name,
        Namespace = vmi.Metadata.Namespace,
        ResourceVersion = vmi.Metadata.ResourceVersion,
    };

    private static GuestAgentObservation AgentOf(OperationResult? result) => result?.GuestAgent ?? new GuestAgentObservation(Connected: false);

    private static Task WriteAsync(HttpResponse response, JsonObject document)
    {
        response.ContentType = "application/json";
        return response.WriteAsync(document.ToJsonString());
    }

    private static bool IsDryRun(IReadOnlyList<string>? dryRun) => dryRun is ["All", ..];

    /// <param name="Refusal">The request can't be understood, or is not allowed.</param>
    private sealed record Wish(Refusal? Refusal, DomainOperation Operation, bool IsDryRun = false);
}
