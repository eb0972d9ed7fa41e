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

    /// <summary>Comes before all else: a machine whose snapshot is taken stays as it is.</summary>
    /// <param name="machine">Of the instance's name; null when there is none.</param>
    public static Refusal? CheckSnapshot(VirtualMachine? machine) =>
        machine?.Status?.SnapshotInProgress is null ? null : Refusal.Conflict(Refusal.Machines, machine.Metadata.Name!, "VM snapshot is in progress");

    public static Refusal? CheckUnpause(VirtualMachineInstance instance) =>
        !IsRunning(instance) ? Conflict(instance, NotRunning)
        : !Has(instance, Conditions.Paused) ? Conflict(instance, "VMI is not paused")
        : null;

    public static Refusal? CheckFreeze(VirtualMachineInstance instance) => IsRunning(instance) ? null : Conflict(instance, MachineNotRunning);

    public static Refusal? CheckUnfreeze(VirtualMachineInstance instance) => IsRunning(instance) ? null : Conflict(instance, NotRunning);

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

    /// <summary>Only a node that has the guest, or is about to, can be asked.</summary>
    public static Refusal? CheckNode(VirtualMachineInstance instance, DomainOperation? operation = null)
    {
        if (instance.Status?.Phase is VmiPhases.Running or VmiPhases.Scheduled)
            return null;
        var text = $"Unable to connect to VirtualMachineInstance because phase is {instance.Status?.Phase} instead of {VmiPhases.Running} or {VmiPhases.Scheduled}";
        return Refusal.BadRequest(operation is ResetDomain ? NoReset(instance, text) : text);
    }

    /// <summary>The event of the instance that tells of an operation; null when none does.</summary>
    public static (string Type, string Reason, string Message)? EventOf(DomainOperation operation, Refusal? failure) => (operation, failure) switch
    {
        (PauseDomain, null) => ("Normal", "Paused", "VirtualMachineInstance paused"),
        (UnpauseDomain, null) => ("Normal", "Unpaused", "VirtualMachineInstance unpaused"),
        (ResetDomain, null) => ("Normal", "Reset", "VirtualMachineInstance reset"),
        (SoftRebootGuest, null) => ("Normal", "SoftRebooted", "VirtualMachineInstance soft rebooted"),
        (FreezeGuest, { Message: var why }) => ("Warning", "FreezeError", $"Failed to freeze VMI: {why}"),
        _ => null,
    };

    /// <summary>Null when the launcher did it.</summary>
    public static Refusal? OutcomeOf(LauncherError error, string? message, VirtualMachineInstance instance, DomainOperation operation) => error switch
    {
        LauncherError.None => null,
        _ when operation is ResetDomain && !IsRunning(instance) => Refusal.Internal(NoReset(instance, message ?? error.ToString())),
        LauncherError.NoDomain => Conflict(instance, NotRunning),
        LauncherError.NoGuestAgent => Conflict(instance, "VMI does not have guest agent connected"),
        LauncherError.WrongState when operation is PauseDomain => Conflict(instance, "VMI is already paused"),
        LauncherError.WrongState when operation is UnpauseDomain => Conflict(instance, "VMI is not paused"),
        _ => Refusal.Internal(message ?? error.ToString()),
    };

    private static string NoReset(VirtualMachineInstance instance, string why) => $"Failed to reset non-running VMI with phase {instance.Status?.Phase}: {why}";

    private static Refusal Conflict(VirtualMachineInstance instance, string text) => Refusal.Conflict(Refusal.Instances, instance.Metadata.Name!, text);

    private static bool IsRunning(VirtualMachineInstance instance) => instance.Status?.Phase == VmiPhases.Running;

    private static bool Has(VirtualMachineInstance instance, string condition) => instance.Status?.Conditions?.Any(c => c.Type == condition) is true;
}
