using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Machines;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Plugging a volume in and pulling it out by hand: of a machine for good, of an instance until it ends.</summary>
public static class VolumeCommands
{
    private const string HotplugVolumes = "HotplugVolumes";

    /// <summary>Whether requests are kept in the machine's status and may be made of a machine's instance alone.</summary>
    private static bool IsByRequest(ClusterConfig config) => config.IsEnabled(HotplugVolumes);

    public static Refusal? CheckGate(ClusterConfig config) => IsByRequest(config) || config.IsEnabled(FeatureGates.DeclarativeHotplugVolumes)
        ? null
        : Refusal.BadRequest("Enable DeclarativeHotplugVolumes or HotplugVolumes feature gate to use this API.");

    public static (Refusal?, VirtualMachineVolumeRequest?) Request(AddVolumeOptions options) => options switch
    {
        { Name: null or "" } => (Refusal.BadRequest("AddVolumeOptions requires name to be set"), null),
        { Disk: null } => (Refusal.BadRequest("AddVolumeOptions requires disk to not be nil"), null),
        { VolumeSource: null } => (Refusal.BadRequest("AddVolumeOptions requires VolumeSource to not be nil"), null),
        _ => (null, new VirtualMachineVolumeRequest
        {
            AddVolumeOptions = options with
            {
                Disk = options.Disk with { Name = options.Name },
                VolumeSource = options.VolumeSource with
                {
                    DataVolume = options.VolumeSource.DataVolume is { } data ? data with { Hotpluggable = true } : null,
                    PersistentVolumeClaim = options.VolumeSource is { DataVolume: null, PersistentVolumeClaim: { } claim } ? claim with { Hotpluggable = true } : options.VolumeSource.PersistentVolumeClaim,
                },
            },
        }),
    };

    public static (Refusal?, VirtualMachineVolumeRequest?) Request(RemoveVolumeOptions options) =>
        options.Name is null or "" ? (Refusal.BadRequest("RemoveVolumeOptions requires name to be set"), null) : (null, new VirtualMachineVolumeRequest { RemoveVolumeOptions = options });

    /// <returns>A JSON patch of the instance, tested against what was read.</returns>
    public static (Refusal?, JsonArray?) OfInstance(VirtualMachineInstance instance, VirtualMachineVolumeRequest request, ClusterConfig config)
    {
        var name = instance.Metadata.Name!;
        if (OwnerReferences.Controller(instance, "VirtualMachine") is not null && !IsByRequest(config))
            return (Refusal.BadRequest($"VMI {instance.Metadata.Namespace}/{name} is owned by a VM"), null);
        if (instance.Status?.Phase != VmiPhases.Running)
            return (Refusal.Conflict(Refusal.Instances, name, "VMI is not running"), null);
        var spec = instance.Spec ?? new VirtualMachineInstanceSpec();
        return Problem(spec, request) is { } problem ? (Refusal.Conflict(Refusal.Instances, name, problem), null) : (null, Patch("/spec", spec, request));
    }

    /// <returns>A JSON patch of the machine, and whether it is of its status.</returns>
    public static (Refusal?, JsonArray? Patch, bool OfStatus) OfMachine(VirtualMachine machine, VirtualMachineVolumeRequest request, ClusterConfig config)
    {
        var (name, spec) = (machine.Metadata.Name!, machine.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec());
        if ((Problem(spec, request) ?? (IsByRequest(config) ? Waiting(machine, request) : null)) is { } problem)
            return (Refusal.Conflict(Refusal.Machines, name, problem), null, false);
        return IsByRequest(config) ? (null, StatusPatch(machine, request), true) : (null, Patch("/spec/template/spec", spec, request), false);
    }

    private static string? Problem(VirtualMachineInstanceSpec spec, VirtualMachineVolumeRequest request)
    {
        var volumes = spec.Volumes ?? [];
        if (request.AddVolumeOptions is { } add)
        {
            var source = add.VolumeSource!.DataVolume?.Name ?? add.VolumeSource.PersistentVolumeClaim?.ClaimName ?? "";
            return volumes.FirstOrDefault(v => v.Name == add.Name || IsOf(v, source)) switch
            {
                null => null,
                var volume when volume.Name == add.Name => $"Unable to add volume [{add.Name}] because volume with that name already exists",
                _ => $"Unable to add volume source [{source}] because it already exists",
            };
        }

        var name = request.RemoveVolumeOptions!.Name!;
        return volumes.FirstOrDefault(v => v.Name == name || IsOf(v, name)) switch
        {
            null => $"Unable to remove volume [{name}] because it does not exist",
            { MemoryDump: null } volume when VolumeSources.IsPlugged(volume) => null,
            var volume => $"Unable to remove volume [{volume.Name}] because it is not hotpluggable",
        };
    }

    private static bool IsOf(Volume volume, string source) => volume.DataVolume?.Name == source || volume.PersistentVolumeClaim?.ClaimName == source;

    private static string? Waiting(VirtualMachine machine, VirtualMachineVolumeRequest request)
    {
        var earlier = machine.Status?.VolumeRequests ?? [];
        return request.AddVolumeOptions is { } add
            ? earlier.Any(r => r.AddVolumeOptions?.Name == add.Name) ? $"add volume request for volume [{add.Name}] already exists" : Removing(add.Name!, "unable to add volume since ")
            : Removing(request.RemoveVolumeOptions!.Name!, "");

        string? Removing(string name, string prefix) =>
            earlier.Any(r => r.RemoveVolumeOptions?.Name == name) ? $"{prefix}a remove volume request for volume [{name}] already exists and is still being processed" : null;
    }

    private static JsonArray StatusPatch(VirtualMachine machine, VirtualMachineVolumeRequest request)
    {
        const string path = "/status/volumeRequests";
        var earlier = machine.Status?.VolumeRequests ?? [];
        // What is to be removed need not be added first.
        var kept = request.RemoveVolumeOptions is { } remove ? earlier.Where(r => r.AddVolumeOptions?.Name != remove.Name) : earlier;
        return
        [
            Operation("test", path, earlier.Count == 0 ? null : Requests(earlier)),
            Operation(earlier.Count == 0 ? "add" : "replace", path, Requests([.. kept, request])),
        ];
    }

    private static JsonArray Requests(IEnumerable<VirtualMachineVolumeRequest> requests) =>
        [.. requests.Select(r => JsonSerializer.SerializeToNode(r, ApiJson.Default.VirtualMachineVolumeRequest))];

    private static JsonArray Patch(string root, VirtualMachineInstanceSpec spec, VirtualMachineVolumeRequest request)
    {
        var (before, after) = (LiveUpdate.Json(spec), LiveUpdate.Json(VolumeRequests.Apply(spec, [request])));
        var patch = new JsonArray();
        var lists = new (string Path, Func<JsonObject, JsonNode?> Of)[] { ($"{root}/volumes", s => s["volumes"]), ($"{root}/domain/devices/disks", s => s["domain"]?["devices"]?["disks"]) };
        foreach (var (path, of) in lists)
            patch.Add(Operation("test", path, of(before)?.DeepClone()));
        foreach (var (path, of) in lists)
            patch.Add(Operation(of(before) is null ? "add" : "replace", path, of(after)?.DeepClone() ?? new JsonArray()));
        return patch;
    }

    private static JsonNode Operation(string op, string path, JsonNode? value) => new JsonObject { ["op"] = op, ["path"] = path, ["value"] = value };
}
