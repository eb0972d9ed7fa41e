using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The machine's status as it should read; what others own in it stays.</summary>
public static class MachineProjection
{
    public static VirtualMachineStatus Status(MachineState state, MachineDecision decision, DateTimeOffset now)
    {
        var (machine, instance) = (state.Machine!, state.Instance);
        var status = machine.Status ?? new VirtualMachineStatus();
        return status with
        {
            Created = instance is not null ? true : null,
            Ready = instance is { Status.Phase: VmiPhases.Running } && instance.Status.Conditions?.Any(c => c is { Type: Conditions.Ready, Status: "True" }) is true ? true : null,
            PrintableStatus = PrintableStatus.Of(new PrintableStatus.Facts(state, decision.StartFailure?.ConsecutiveFailCount ?? 0, decision.StopExpected, decision.StartExpected)),
            RunStrategy = ActedOn(status, RunStrategies.Of(machine.Spec), instance, decision),
            DesiredGeneration = machine.Metadata.Generation,
            ObservedGeneration = Generation(instance) ?? status.ObservedGeneration,
            StartFailure = decision.StartFailure,
            StateChangeRequests = decision.Requests.Count == 0 ? null : decision.Requests,
            MemoryDumpRequest = MemoryDumps.Next(machine, instance),
            VolumeRequests = decision.VolumeRequests is { Count: > 0 } left ? left : null,
            InstancetypeRef = machine.Spec?.Instancetype is null ? null : state.InstancetypeRef ?? status.InstancetypeRef,
            PreferenceRef = machine.Spec?.Preference is null ? null : state.PreferenceRef ?? status.PreferenceRef,
            Conditions = MachineConditions.Of(status.Conditions ?? [], instance, state.Failure ?? decision.Failure, decision.RestartRequired, VolumeUpdates.ManualRecovery(machine, instance), now),
            VolumeUpdateState = VolumeUpdates.State(machine, instance),
        };
    }

    /// <summary>
    /// The strategy that was last acted on; none before the first instance, so that it can be told whether there was one. A start that still waits,
    /// for its disks or for something else, is not done: RerunOnFailure starts a machine only once after another strategy.
    /// </summary>
    private static string? ActedOn(VirtualMachineStatus status, string strategy, VirtualMachineInstance? instance, MachineDecision decision) =>
        instance is not null || (status.RunStrategy is { Length: > 0 } && !decision.StartExpected) ? strategy : status.RunStrategy;

    /// <summary>The merge patch of the status subresource, or null when the object already says it all.</summary>
    public static JsonObject? Patch(MachineState state, MachineDecision decision, DateTimeOffset now)
    {
        var machine = state.Machine!;
        var (old, wanted) = (Json(machine.Status ?? new VirtualMachineStatus()), Json(Status(state, decision, now)));
        if (MergePatch.Between(old, wanted) is not { } status)
            return null;
        var metadata = new JsonObject { ["uid"] = state.Uid };
        // A request that a user made in the meantime must not be overwritten.
        if (status.ContainsKey("stateChangeRequests") || status.ContainsKey("volumeRequests") || status.ContainsKey("memoryDumpRequest"))
            metadata["resourceVersion"] = machine.Metadata.ResourceVersion;
        return new JsonObject { ["metadata"] = metadata, ["status"] = status };
    }

    /// <summary>Whether somebody may wait for what is to be written; why the guest is not ready yet can be told together with what comes next.</summary>
    public static bool IsUrgent(MachineState state, MachineDecision decision, DateTimeOffset now)
    {
        var (has, wants) = (state.Machine!.Status ?? new VirtualMachineStatus(), Status(state, decision, now));
        return !Shown(has).SequenceEqual(Shown(wants)) || MergePatch.Between(Json(Rest(has)), Json(Rest(wants))) is not null;

        static IEnumerable<(string?, string?, string?)> Shown(VirtualMachineStatus status) =>
            (status.Conditions ?? []).Select(c => (c.Type, c.Status, c.Type == Conditions.Ready ? null : c.Reason)).Order();

        static VirtualMachineStatus Rest(VirtualMachineStatus status) => status with { Conditions = null, DesiredGeneration = null, ObservedGeneration = null };
    }

    public static long? Generation(VirtualMachineInstance? instance) =>
        long.TryParse(instance?.Metadata.Annotations?.GetValueOrDefault(MachineVocabulary.GenerationAnnotation), CultureInfo.InvariantCulture, out var generation) ? generation : null;

    private static JsonObject Json(VirtualMachineStatus status) => JsonSerializer.SerializeToNode(status, ApiJson.Default.VirtualMachineStatus)!.AsObject();
}
