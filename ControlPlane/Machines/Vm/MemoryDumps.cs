using System.Text.Json.Nodes;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>
/// A dump of the guest's memory, as `status.memoryDumpRequest` asks for it: the claim is plugged into machine and instance, which has the
/// launcher write the dump, and pulled out of the instance. The machine keeps it, by name, until `removememorydump`.
/// </summary>
internal static class MemoryDumps
{
    public const string FailureReason = "MemoryDumpError";
    private const string FailedText = "Memory dump failed";

    /// <summary>The request as it should read, given how far the instance is.</summary>
    public static VirtualMachineMemoryDumpRequest? Next(VirtualMachine machine, VirtualMachineInstance? instance)
    {
        if (machine.Status?.MemoryDumpRequest is not { } request)
            return null;
        var status = instance?.Status?.VolumeStatus?.FirstOrDefault(v => v.Name == request.ClaimName);
        var isOfMachine = Has(machine.Spec?.Template?.Spec, request.ClaimName);
        return request.Phase switch
        {
            MemoryDumpPhases.Dissociating => status is null && !isOfMachine ? null : request,
            _ when request.Remove is true => request with { Phase = MemoryDumpPhases.Dissociating },
            MemoryDumpPhases.Associating when isOfMachine => request with { Phase = MemoryDumpPhases.InProgress },
            MemoryDumpPhases.InProgress when status?.MemoryDumpVolume is { } dump => Progress(request, status, dump),
            MemoryDumpPhases.Unmounting when status is null => request with { Phase = MemoryDumpPhases.Completed },
            _ => request,
        };
    }

    /// <param name="noted">What the claim is known to say of its dump.</param>
    public static IEnumerable<MachineEffect> Effects(VirtualMachine machine, VirtualMachineInstance? instance, ClaimNote? noted)
    {
        if (machine.Status?.MemoryDumpRequest is not { ClaimName: { } claim } request)
            yield break;
        var spec = machine.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec();
        var running = instance is { Spec: not null, Metadata.DeletionTimestamp: null } && !instance.IsFinal() ? instance : null;
        switch (request.Phase)
        {
            case MemoryDumpPhases.Associating when running is { Status.Phase: VmiPhases.Running }:
                // The instance first: a machine that has the claim counts as dumping.
                if (!Has(running.Spec, claim))
                    yield return OfInstance(running, With(running.Spec!, claim));
                else if (!Has(spec, claim))
                    yield return OfMachine(machine, spec, With(spec, claim));
                break;
            case MemoryDumpPhases.Unmounting or MemoryDumpPhases.Failed:
                if (Note(request) is { } note && noted != note)
                    yield return new MachineEffect.NoteDump(note);
                else if (running is not null && Has(running.Spec, claim))
                    yield return OfInstance(running, Without(running.Spec!, claim));
                break;
            case MemoryDumpPhases.Dissociating:
                if (running is not null && Has(running.Spec, claim))
                    yield return OfInstance(running, Without(running.Spec!, claim));
                if (Has(spec, claim))
                    yield return OfMachine(machine, spec, Without(spec, claim));
                break;
        }
    }

    /// <summary>The spec of a new instance: a dump that is done is not made again by a restart.</summary>
    public static VirtualMachineInstanceSpec ForStart(VirtualMachineInstanceSpec spec, VirtualMachineMemoryDumpRequest? request) =>
        request is { ClaimName: { } claim, Phase: not (MemoryDumpPhases.Associating or MemoryDumpPhases.InProgress) } && Has(spec, claim) ? Without(spec, claim) : spec;

    /// <summary>Such a volume comes and goes beside everything that a template asks for.</summary>
    public static VirtualMachineInstanceSpec WithoutAny(VirtualMachineInstanceSpec spec) =>
        spec.Volumes?.Any(v => v.MemoryDump is not null) is true ? spec with { Volumes = [.. spec.Volumes.Where(v => v.MemoryDump is null)] } : spec;

    private static VirtualMachineMemoryDumpRequest Progress(VirtualMachineMemoryDumpRequest request, VolumeStatus status, DomainMemoryDumpInfo dump)
    {
        var begun = request with { StartTimestamp = dump.StartTimestamp ?? request.StartTimestamp };
        return status.Phase switch
        {
            MemoryDumpPhases.VolumeCompleted => begun with { Phase = MemoryDumpPhases.Unmounting, EndTimestamp = dump.EndTimestamp, FileName = dump.TargetFileName },
            MemoryDumpPhases.VolumeFailed => begun with { Phase = MemoryDumpPhases.Failed, EndTimestamp = dump.EndTimestamp, Message = status.Message },
            _ => begun,
        };
    }

    private static ClaimNote? Note(VirtualMachineMemoryDumpRequest request) =>
        (request.Phase == MemoryDumpPhases.Failed ? FailedText : request.FileName) is { } text ? new ClaimNote(request.ClaimName!, text) : null;

    private static bool Has(VirtualMachineInstanceSpec? spec, string? claim) => spec?.Volumes?.Any(v => v.Name == claim) is true;

    private static VirtualMachineInstanceSpec With(VirtualMachineInstanceSpec spec, string claim) => spec with
    {
        Volumes = [.. spec.Volumes ?? [], new Volume { Name = claim, MemoryDump = new MemoryDumpVolumeSource { ClaimName = claim, Hotpluggable = true } }],
    };

    private static VirtualMachineInstanceSpec Without(VirtualMachineInstanceSpec spec, string claim) => spec with { Volumes = [.. spec.Volumes!.Where(v => v.Name != claim)] };

    private static MachineEffect.PatchInstance OfInstance(VirtualMachineInstance instance, VirtualMachineInstanceSpec wanted) => new(
        new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = instance.Metadata.ResourceVersion },
            ["spec"] = MergePatch.Between(LiveUpdate.Json(instance.Spec), LiveUpdate.Json(wanted)),
        }, FailureReason);

    private static MachineEffect.PatchMachine OfMachine(VirtualMachine machine, VirtualMachineInstanceSpec spec, VirtualMachineInstanceSpec wanted) => new(new JsonObject
    {
        ["metadata"] = new JsonObject { ["resourceVersion"] = machine.Metadata.ResourceVersion },
        ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = MergePatch.Between(LiveUpdate.Json(spec), LiveUpdate.Json(wanted)) } },
    });
}

/// <summary>What a claim says of the memory dump on it.</summary>
public sealed record ClaimNote(string Claim, string Text);
