using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Subresources;

/// <summary>start, stop, restart and migrate of a VirtualMachine. Their controllers do the work; the answer is 202.</summary>
public sealed class MachineEndpoints(IKubeClient kubernetes, Authorizer authorizer)
{
    public const string Resource = "virtualmachines";
    public static readonly string[] Names = ["start", "stop", "restart", "migrate"];

    public void Map(WebApplication app, string version)
    {
        Map(app, version, "start", ApiJson.Default.StartOptions, (ns, name, options, ct) => ChangeAsync(ns, name, MachineCommands.Start, options, IsDryRun(options.DryRun), ct));
        Map(app, version, "stop", ApiJson.Default.StopOptions, (ns, name, options, ct) => ChangeAsync(ns, name, MachineCommands.Stop, options, IsDryRun(options.DryRun), ct));
        Map(app, version, "restart", ApiJson.Default.RestartOptions, async (ns, name, options, ct) =>
            MachineCommands.Check(options) ?? await ChangeAsync(ns, name, MachineCommands.Restart, options, IsDryRun(options.DryRun), ct));
        Map(app, version, "migrate", ApiJson.Default.MigrateOptions, MigrateAsync);
    }

    private void Map<T>(WebApplication app, string version, string subresource, JsonTypeInfo<T> type, Func<string, string, T, CancellationToken, Task<Refusal?>> run) where T : new() =>
        app.MapPut(SubresourceApi.Route(version, Resource, subresource), async (HttpContext context, string ns, string name) =>
        {
            var denied = await authorizer.RefusalAsync(context, new Access("update", ns, Resource, subresource, name));
            var (refusal, options) = denied is null ? await RequestBody.ReadAsync(context, type) : (denied, default);
            refusal ??= await run(ns, name, options!, context.RequestAborted);
            await (refusal?.WriteAsync(context.Response) ?? Accept(context));
        });

    private async Task<Refusal?> ChangeAsync<T>(
        string ns, string name, Func<VirtualMachine, VirtualMachineInstance?, T, MachineDecision> decide, T options, bool isDryRun, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is not { } machine)
            return Refusal.NotFound(Refusal.Machines, name);
        var decision = decide(machine, await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct), options);
        if (decision.Change is not { } change)
            return decision.Refusal;
        var query = new PatchQuery(DryRun: isDryRun);
        try
        {
            if (change.Instance is { } instance)
                await kubernetes.PatchAsync<VirtualMachineInstance>(ns, name, PatchType.Json, instance, query: query, ct: ct);
        }
        catch (KubeException e)
        {
            return Refusal.Internal(e.Message);
        }

        try
        {
            if (change.Machine is { } spec)
                await kubernetes.PatchAsync<VirtualMachine>(ns, name, PatchType.Json, spec, query: query, ct: ct);
            if (change.MachineStatus is { } status)
                await kubernetes.PatchAsync<VirtualMachine>(ns, name, PatchType.Json, status, "status", query, ct);
            return null;
        }
        catch (KubeException e)
        {
            if (change.InstanceUndo is { } undo)
                await UndoAsync(ns, name, undo, query, ct);
            // 422: the patch's test found something else than what was read a moment ago.
            return e.Code is 409 or 422 ? Refusal.Conflict(Refusal.Machines, name, e.Message) : Refusal.Internal(e.Message);
        }
    }

    private async Task UndoAsync(string ns, string name, JsonArray undo, PatchQuery query, CancellationToken ct)
    {
        try
        {
            await kubernetes.PatchAsync<VirtualMachineInstance>(ns, name, PatchType.Json, undo, query: query, ct: ct);
        }
        catch (KubeException)
        {
            // The caller is told why the command itself failed; a shorter grace period of a running guest harms nothing.
        }
    }

    private async Task<Refusal?> MigrateAsync(string ns, string name, MigrateOptions options, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is null)
            return Refusal.NotFound(Refusal.Machines, name);
        if (await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct) is not { } instance)
            return Refusal.NotFound(Refusal.Instances, name);
        if (MachineCommands.CheckMigrate(instance) is { } refusal)
            return refusal;
        var migration = new VirtualMachineInstanceMigration
        {
            ApiVersion = MachineVocabulary.ApiVersion,
            Kind = "VirtualMachineInstanceMigration",
            Metadata = new ObjectMeta { GenerateName = "kubevirt-migrate-vm-", Namespace = ns },
            Spec = new VirtualMachineInstanceMigrationSpec { VmiName = name, AddedNodeSelector = options.AddedNodeSelector },
        };
        try
        {
            // A rehearsal is admitted like the real thing, or refused.
            if (IsDryRun(options.DryRun))
            {
                await kubernetes.PostRawAsync($"apis/{MachineVocabulary.ApiVersion}/namespaces/{ns}/virtualmachineinstancemigrations?dryRun=All",
                    JsonSerializer.SerializeToNode(migration, ApiJson.Default.VirtualMachineInstanceMigration)!, ct);
            }
            else
            {
                await kubernetes.CreateAsync(migration, ct);
            }

            return null;
        }
        catch (KubeException e)
        {
            return Refusal.Internal(e.Message);
        }
    }

    private static bool IsDryRun(IReadOnlyList<string>? dryRun) => dryRun is { Count: > 0 };

    private static Task Accept(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return Task.CompletedTask;
    }
}

internal static class RequestBody
{
    /// <summary>An absent body means no options.</summary>
    public static async Task<(Refusal? Refusal, T? Value)> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : new()
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (body.Length == 0)
            return (null, new T());
        try
        {
            return (null, JsonSerializer.Deserialize(body.GetBuffer().AsSpan(0, (int)body.Length), type) ?? new T());
        }
        catch (JsonException e)
        {
            return (Refusal.BadRequest($"Can not unmarshal Request body to struct, error: {e.Message}"), default);
        }
    }
}
