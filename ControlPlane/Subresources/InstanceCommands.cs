using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Whether an operation may be done to an instance as its status shows it, and how a failure of it is told.</summary>
public static class InstanceCommands
{
    private const string MachineNotRunning = "VM is not running";
    private const string NotRunning = "VMI is not running";

    public static Refusal? CheckPause(VirtualMachineInstance instance) =>
        !IsRunning(instance) ? Conflict(instance, MachineNotRunning)
        : instance.Spec?.LivenessProbe is { GuestAgentPing: null } ? Refusal.Forbidden(Refusal.Instances, instance.Metadata.Name!, "Pausing VMIs with a non-GuestAgentPing LivenessProbe is not supported")
        : Has(instance, Conditions.Paused) ? Conflict(instance, "VMI is already paused")
        : null;

    /// <param name="machine">That owns the instance; null when none does.</param>
    public static Refusal? CheckUnpause(VirtualMachineInstance instance, VirtualMachine? machine) =>
        machine?.Status?.SnapshotInProgress is not null ? Refusal.Conflict(Refusal.Machines, machine.Metadata.Name!, "VM snapshot is in progress")
        : !IsRunning(instance) ? Conflict(instance, NotRunning)
        : !Has(instance, Conditions.Paused) ? Conflict(instance, "VMI is not paused")
        : null;

    public static Refusal? CheckFreeze(VirtualMachineInstance instance) => IsRunning(instance) ? null : Conflict(instance, MachineNotRunning);

    public static Refusal? CheckUnfreeze(VirtualMachineInstance instance) => IsRunning(instance) ? null : Conflict(instance, NotRunning);

    public static Refusal? CheckScreenshot(VirtualMachineInstance instance) =>
        instance.Spec?.Domain?.Devices?.AutoattachGraphicsDevice is false ? Refusal.BadRequest("No graphics devices are present.")
        : IsRunning(instance) ? null : Conflict(instance, NotRunning);

    public static Refusal? CheckSoftReboot(VirtualMachineInstance instance) =>
        !IsRunning(instance) ? Conflict(instance, MachineNotRunning)
        : instance.Status!.Conditions?.Any(c => c.Type == Conditions.Paused && c.Status == "True") is true ? Conflict(instance, "VMI is paused")
        : !Has(instance, Conditions.AgentConnected) && instance.Spec?.Domain?.Features?.Acpi?.Enabled is false
            ? Conflict(instance, "VMI neither have the agent connected nor the ACPI feature enabled")
        : null;

    public static Refusal? CheckGuestInfo(VirtualMachineInstance instance) =>
        !IsRunning(instance) ? Conflict(instance, NotRunning)
        : !Has(instance, Conditions.AgentConnected) ? Conflict(instance, "VMI does not have guest agent connected")
        : null;

    /// <summary>Null when the launcher did it.</summary>
    public static Refusal? OutcomeOf(LauncherError error, string? message, VirtualMachineInstance instance, DomainOperation operation) => error switch
    {
        LauncherError.None => null,
        LauncherError.NoDomain => Conflict(instance, NotRunning),
        LauncherError.NoGuestAgent => Conflict(instance, "VMI does not have guest agent connected"),
        LauncherError.WrongState when operation is PauseDomain => Conflict(instance, "VMI is already paused"),
        LauncherError.WrongState when operation is UnpauseDomain => Conflict(instance, "VMI is not paused"),
        _ when operation is ResetDomain && !IsRunning(instance) => Refusal.Internal($"Failed to reset non-running VMI with phase {instance.Status?.Phase}: {message ?? error.ToString()}"),
        _ => Refusal.Internal(message ?? error.ToString()),
    };

    private static Refusal Conflict(VirtualMachineInstance instance, string text) => Refusal.Conflict(Refusal.Instances, instance.Metadata.Name!, text);

    private static bool IsRunning(VirtualMachineInstance instance) => instance.Status?.Phase == VmiPhases.Running;

    private static bool Has(VirtualMachineInstance instance, string condition) => instance.Status?.Conditions?.Any(c => c.Type == condition) is true;
}
