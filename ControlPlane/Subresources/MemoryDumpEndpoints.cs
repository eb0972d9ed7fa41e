using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Subresources;

/// <summary>memorydump and removememorydump of a machine. Its controller does the work; the answer is 202.</summary>
public sealed class MemoryDumpEndpoints(IKubeClient kubernetes, Authorizer authorizer, Func<ClusterConfig> config)
{
    public static readonly string[] Names = ["memorydump", "removememorydump"];

    public void Map(WebApplication app, string version)
    {
        // Without a body it is the claim of the last dump that is meant.
        Map(app, version, "memorydump", async context =>
            VolumeCommands.CheckGate(config()) is { } disabled ? (disabled, null) : await RequestBody.ReadAsync(context, ApiJson.Default.VirtualMachineMemoryDumpRequest));
        Map(app, version, "removememorydump", _ => Task.FromResult<(Refusal?, VirtualMachineMemoryDumpRequest?)>((null, new VirtualMachineMemoryDumpRequest { Remove = true })));
    }

    private void Map(WebApplication app, string version, string subresource, Func<HttpContext, Task<(Refusal?, VirtualMachineMemoryDumpRequest?)>> read) =>
        app.MapPut(SubresourceApi.Route(version, MachineEndpoints.Resource, subresource), async (HttpContext context, string ns, string name) =>
        {
            var refusal = await authorizer.RefusalAsync(context, new Access("update", ns, MachineEndpoints.Resource, subresource, name));
            VirtualMachineMemoryDumpRequest? request = null;
            if (refusal is null)
                (refusal, request) = await read(context);
            refusal ??= await AskAsync(ns, name, request!, context.RequestAborted);
            if (refusal is null)
                context.Response.StatusCode = StatusCodes.Status202Accepted;
            else
                await refusal.WriteAsync(context.Response);
        });

    private async Task<Refusal?> AskAsync(string ns, string name, VirtualMachineMemoryDumpRequest request, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is not { } machine)
            return Refusal.NotFound(Refusal.Machines, name);
        if (request.Remove is not true)
        {
            (var unclear, request) = MemoryDumpCommands.Complete(machine, request);
            if ((unclear ?? await ClaimRefusalAsync(ns, name, request.ClaimName!, ct)) is { } refusal)
                return refusal;
        }

        var (conflict, patch) = MemoryDumpCommands.Patch(machine, request);
        if (conflict is not null)
            return conflict;
        try
        {
            await kubernetes.PatchAsync<VirtualMachine>(ns, name, PatchType.Json, patch!, "status", ct: ct);
            return null;
        }
        catch (KubeException e)
        {
            return e.Reason == "Invalid" ? new Refusal(e.Code, e.Reason, e.Message) : Refusal.Internal($"unable to patch vm status: {e.Message}");
        }
    }

    private async Task<Refusal?> ClaimRefusalAsync(string ns, string name, string claimName, CancellationToken ct)
    {
        var (missing, instance) = await InstanceLookup.FindAsync(kubernetes, ns, name, ct);
        if (missing is not null)
            return missing;
        if (instance!.Status?.Phase != VmiPhases.Running)
            return Refusal.Conflict(Refusal.Instances, name, "VMI is not running");
        return await kubernetes.FindAsync<PersistentVolumeClaim>(ns, claimName, ct) is { } claim
            ? MemoryDumpCommands.CheckClaim(instance, claim)
            : Refusal.NotFound(MemoryDumpCommands.Claims, claimName);
    }
}

/// <summary>When a memory dump may be asked for, and what asking changes in the machine's status.</summary>
internal static class MemoryDumpCommands
{
    public const string Claims = "persistentvolumeclaim";
    private const string Path = "/status/memoryDumpRequest";

    /// <summary>What a dump needs beside the guest's memory.</summary>
    private const long OverheadBytes = 100L << 20;

    /// <summary>The claim of the last dump is the claim of the next one.</summary>
    public static (Refusal?, VirtualMachineMemoryDumpRequest) Complete(VirtualMachine machine, VirtualMachineMemoryDumpRequest request) => (request.ClaimName, machine.Status?.MemoryDumpRequest?.ClaimName) switch
    {
        (null or "", null) => (Refusal.BadRequest("Memory dump requires claim name to be set"), request),
        ({ Length: > 0 } wanted, { } known) when wanted != known => (Refusal.Conflict(Refusal.Machines, machine.Metadata.Name!,
            $"can't request memory dump for pvc [{wanted}] while pvc [{known}] is still associated as the memory dump pvc"), request),
        var (wanted, known) => (null, request with { ClaimName = wanted is { Length: > 0 } ? wanted : known, Phase = MemoryDumpPhases.Associating }),
    };

    public static Refusal? CheckClaim(VirtualMachineInstance instance, PersistentVolumeClaim claim)
    {
        Refusal Conflict(string text) => Refusal.Conflict(Claims, claim.Metadata.Name!, text);
        if (claim.Spec?.VolumeMode == "Block")
            return Conflict("pvc should be filesystem pvc");
        if (claim.Spec?.AccessModes?.Contains("ReadOnlyMany") is true)
            return Conflict("pvc access mode can't be read only");
        var size = Amount(claim.Spec?.Resources?.Requests, "storage");
        var needed = ClaimSize.ClaimBytes(MemoryBytes(instance) + OverheadBytes);
        return size < needed ? Conflict($"pvc size [{Decimal(size)}] should be bigger then [{Binary(needed)}]") : null;
    }

    public static (Refusal?, JsonArray?) Patch(VirtualMachine machine, VirtualMachineMemoryDumpRequest request)
    {
        var (name, present) = (machine.Metadata.Name!, machine.Status?.MemoryDumpRequest);
        var isRemoval = request.Remove is true;
        if ((isRemoval ? RemovalProblem(name, present) : Problem(present, request.ClaimName!)) is { } problem)
            return (Refusal.Conflict(Refusal.Machines, name, problem), null);
        var wanted = isRemoval ? new VirtualMachineMemoryDumpRequest { ClaimName = present!.ClaimName, Phase = MemoryDumpPhases.Dissociating, Remove = true } : request;
        return (null, [Operation("test", present), Operation(present is null ? "add" : "replace", wanted)]);
    }

    private static string? Problem(VirtualMachineMemoryDumpRequest? present, string claim) => present?.Phase switch
    {
        MemoryDumpPhases.Dissociating => $"can't dump memory for pvc [{claim}] a remove memory dump request is in progress",
        null or MemoryDumpPhases.Completed or MemoryDumpPhases.Failed => null,
        _ => $"memory dump request for pvc [{claim}] already in progress",
    };

    private static string? RemovalProblem(string machine, VirtualMachineMemoryDumpRequest? present) => present switch
    {
        null => $"can't remove memory dump association for vm {machine}, no association found",
        { Remove: true } => $"memory dump remove request for pvc [{present.ClaimName}] already exists",
        _ => null,
    };

    /// <summary>What the guest has by now, or is to have.</summary>
    private static long MemoryBytes(VirtualMachineInstance instance) => (instance.Status?.Memory?.GuestCurrent ?? instance.Spec?.Domain?.Memory?.Guest)?.Units
        ?? Amount(instance.Spec?.Domain?.Resources?.Requests, "memory");

    private static long Amount(IReadOnlyDictionary<string, Quantity>? of, string resource) => of?.TryGetValue(resource, out var amount) is true ? amount.Units : 0;

    /// <summary>As KubeVirt writes them: what is asked for in thousands of bytes, what is needed in MiB.</summary>
    private static string Decimal(long bytes) => (bytes + 999) / 1000 is var kilo && kilo % 1_000_000 == 0 ? $"{kilo / 1_000_000}G" : kilo % 1000 == 0 ? $"{kilo / 1000}M" : $"{kilo}k";

    private static string Binary(long bytes) => bytes % (1 << 30) == 0 ? $"{bytes >> 30}Gi" : $"{bytes >> 20}Mi";

    private static JsonNode Operation(string op, VirtualMachineMemoryDumpRequest? value) => new JsonObject
    {
        ["op"] = op,
        ["path"] = Path,
        ["value"] = value is null ? null : JsonSerializer.SerializeToNode(value, ApiJson.Default.VirtualMachineMemoryDumpRequest),
    };
}
