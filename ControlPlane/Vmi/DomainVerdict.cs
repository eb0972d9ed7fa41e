using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using static Troupe.Messages.Api.KubeVirt.Vocabulary.VmiPhases;

namespace Troupe.ControlPlane.Vmi;

/// <summary>When a guest's run is over and how it ended.</summary>
internal sealed record DomainVerdict(string Phase, string? Reason, string? Message, VmiEffect.Announce Announcement)
{
    /// <summary>Null while the guest runs or may still start.</summary>
    public static DomainVerdict? Of(VmiState state, VirtualMachineInstance vmi)
    {
        if (state.Refusal is { Fatal: true } refusal)
            return Failure(refusal.Reason, refusal.Message);
        if (state.Report is { } report)
        {
            if (report.Domain is { State: DomainState.Shutoff or DomainState.Crashed } domain && Ended(domain, vmi) is { } end)
                return end;
            // The right had come, and the guest that was to follow it has ended before it ran here.
            if (report.Domain is { State: DomainState.NoDomain, Migration: { Target: TargetStage.Failed } lost } && lost.TargetEpoch == state.Right?.Epoch)
                return Failure("MigrationFailed", lost.Message ?? "the guest was lost at the target of its migration");
            if (report.Launcher is LauncherPresence.Lost)
                return Failure("LauncherLost", report.Domain.Message ?? "virt-launcher is gone, and the guest with it");
        }

        // The pod has the last word: what ran in it cannot outlive it.
        if (state.PodIsGone)
            return Failure("PodDeleted", $"pod {state.PodName} is gone");
        return state.Pod is { Phase: "Failed" or "Succeeded" } pod
            ? Failure("PodFailed", pod.TerminatedMessage ?? $"pod {pod.Name} ended while the guest was to run")
            : null;
    }

    private static DomainVerdict? Ended(DomainObservation domain, VirtualMachineInstance vmi) => domain.Reason switch
    {
        DomainReason.Crashed or DomainReason.Panicked or DomainReason.Failed => Failure("GuestCrashed", domain.Message ?? "QEMU ended unexpectedly"),
        // A guest that had time and a power button, and had to be destroyed all the same, did not end well.
        DomainReason.Destroyed when HasAcpi(vmi) && vmi.Spec?.TerminationGracePeriodSeconds is not 0 => Failure("GuestDestroyed", "the guest did not react to the shutdown request"),
        DomainReason.Migrated => null,
        _ when domain.State is DomainState.Crashed => Failure("GuestCrashed", domain.Message ?? "QEMU ended unexpectedly"),
        _ => new DomainVerdict(Succeeded, null, null, new VmiEffect.Announce("Normal", "Stopped", "The VirtualMachineInstance was shut down.")),
    };

    private static bool HasAcpi(VirtualMachineInstance vmi) => vmi.Spec?.Domain?.Features?.Acpi?.Enabled is not false;

    private static DomainVerdict Failure(string reason, string message) =>
        new(Failed, reason, message, new VmiEffect.Announce("Warning", "Stopped", $"The VirtualMachineInstance crashed. {message}"));
}
