using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Subresources;

/// <summary>Whether a stream to an instance may be opened, as its spec and status say.</summary>
public static class StreamCommands
{
    public const string NotRunning = "VMI is not running";

    public static Refusal? CheckConsole(VirtualMachineInstance instance) =>
        instance.Spec?.Domain?.Devices?.AutoattachSerialConsole is false ? Refusal.BadRequest("No serial consoles are present.")
        : instance.Status?.Phase == VmiPhases.Failed ? Conflict(instance, "VMI is in failed status")
        : Running(instance);

    public static Refusal? CheckVnc(VirtualMachineInstance instance) =>
        instance.Spec?.Domain?.Devices?.AutoattachGraphicsDevice is false ? Refusal.BadRequest("No graphics devices are present.") : Running(instance);

    public static Refusal? CheckUsbRedirection(VirtualMachineInstance instance) =>
        instance.Spec?.Architecture == "s390x" ? Conflict(instance, "No USB support on s390x")
        : instance.Spec?.Domain?.Devices?.ClientPassthrough is null ? Conflict(instance, "Not configured with USB Redirection")
        : Running(instance);

    public static Refusal? CheckVsock(VirtualMachineInstance instance) =>
        instance.Spec?.Domain?.Devices?.AutoattachVSOCK is not true ? Refusal.BadRequest("VSOCK is not attached.")
        : InstanceCommands.CheckNode(instance) ?? (instance.Status?.VSOCKCID is null ? Conflict(instance, "the guest has no VSOCK context id yet") : null);

    /// <summary>The port that `?port=` names, and whether TLS is spoken there: it is unless `?tls=` says no.</summary>
    public static (Refusal? Refusal, long Port, bool Tls) VsockPort(string? port, string? tls) =>
        !uint.TryParse(port, out var number) || number is 0 or uint.MaxValue ? (Refusal.BadRequest($"port must be a number from 1 to {uint.MaxValue - 1}, got '{port}'"), 0, false)
        : tls is null or "" ? (null, number, true)
        : QueryFlag.Parse(tls) is { } flag ? (null, number, flag)
        : (Refusal.BadRequest($"tls must be true or false, got '{tls}'"), 0, false);

    public static Refusal? CheckPortForward(VirtualMachineInstance instance) =>
        instance.Status?.Conditions?.Any(c => c.Type == Conditions.Paused) is true ? Conflict(instance, "VMI is paused")
        : instance.Status?.Interfaces is not { Count: > 0 } ? Refusal.BadRequest("no network interfaces are present")
        : null;

    private static Refusal? Running(VirtualMachineInstance instance) => instance.Status?.Phase == VmiPhases.Running ? null : Refusal.BadRequest(NotRunning);

    private static Refusal Conflict(VirtualMachineInstance instance, string text) => Refusal.Conflict(Refusal.Instances, instance.Metadata.Name!, text);
}
