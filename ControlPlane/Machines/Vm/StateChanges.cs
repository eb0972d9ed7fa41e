using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Starts and stops that users asked for, in `status.stateChangeRequests`.</summary>
public static class StateChanges
{
    public const string Start = "Start";
    public const string Stop = "Stop";
    private const string Paused = "paused";

    /// <summary>Drops from the front what has been carried out: a stop of an instance that is gone, a start of one that lives. A stop that names no instance is nobody's.</summary>
    public static IReadOnlyList<VirtualMachineStateChangeRequest> Outstanding(IReadOnlyList<VirtualMachineStateChangeRequest>? requests, VirtualMachineInstance? instance) =>
        [.. (requests ?? []).SkipWhile(r => r.Action switch
        {
            Stop => instance is null || r.Uid != instance.Metadata.Uid,
            Start => instance is { Metadata.DeletionTimestamp: null } && !instance.IsFinal(),
            _ => true,
        })];

    public static IReadOnlyList<VirtualMachineStateChangeRequest> WithStart(IReadOnlyList<VirtualMachineStateChangeRequest> requests) =>
        requests.Any(r => r.Action == Start) ? requests : [.. requests, new VirtualMachineStateChangeRequest { Action = Start }];

    public static bool StartsPaused(IReadOnlyList<VirtualMachineStateChangeRequest>? requests) =>
        requests?.FirstOrDefault(r => r.Action == Start)?.Data?.GetValueOrDefault(Paused) == "true";

    /// <summary>The guest has ended for good.</summary>
    public static bool IsFinal(this VirtualMachineInstance instance) => instance.Status?.Phase is VmiPhases.Succeeded or VmiPhases.Failed;

    public static bool IsDeleting(this VirtualMachineInstance instance) => instance.Metadata.DeletionTimestamp is not null;
}
