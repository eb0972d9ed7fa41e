using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>`status.printableStatus`: the first rule that holds gives the word.</summary>
public static class PrintableStatus
{
    /// <param name="State">Everything known of the machine.</param>
    /// <param name="Failures">Starts in a row that came to nothing.</param>
    /// <param name="StopExpected">The strategy or a request wants the instance gone.</param>
    /// <param name="StartExpected">An instance is about to be made.</param>
    public sealed record Facts(MachineState State, int Failures, bool StopExpected, bool StartExpected)
    {
        public VirtualMachineInstance? Instance => State.Instance;
        public string? Phase => Instance?.Status?.Phase;
        public bool Lives => Instance is not null && !Instance.IsFinal();
        public string Strategy => RunStrategies.Of(State.Machine?.Spec);
    }

    private static readonly (string Word, Func<Facts, bool> Holds)[] Rules =
    [
        ("Terminating", f => f.State.Machine?.Metadata.DeletionTimestamp is not null),
        ("Stopping", f => f.Lives && (f.Instance!.IsDeleting() || f.StopExpected)),
        ("Migrating", f => f.Lives && f.Instance!.Status?.MigrationState is { StartTimestamp: not null, Completed: not true, Failed: not true }),
        ("Paused", f => f.Phase is VmiPhases.Running && Has(f, Conditions.Paused, "True")),
        ("Running", f => f.Phase is VmiPhases.Running),
        ("ErrorPvcNotFound", f => Has(f, Conditions.Synchronized, "False", "FailedPvcNotFound")),
        ("DataVolumeError", f => DataVolumeTemplates.AnyFailed(f.State.DataVolumes)),
        ("ErrorUnschedulable", f => Has(f, Conditions.PodScheduled, "False", "Unschedulable")),
        ("Provisioning", f => DataVolumeTemplates.AnyImporting(f.State.DataVolumes)),
        ("WaitingForVolumeBinding", f => f.Strategy is not RunStrategies.Halted && !f.Lives && f.StartExpected && DataVolumeTemplates.AnyUnbound(f.State.DataVolumes)),
        ("ErrImagePull", f => Has(f, Conditions.Synchronized, "False", "ErrImagePull")),
        ("ImagePullBackOff", f => Has(f, Conditions.Synchronized, "False", "ImagePullBackOff")),
        ("WaitingForReceiver", f => f.Phase is "WaitingForSync"),
        ("Starting", f => f.StartExpected || (f.Instance is not null && f.Phase is (null or "" or VmiPhases.Pending or VmiPhases.Scheduling or VmiPhases.Scheduled))),
        ("CrashLoopBackOff", f => !f.Lives && f.Failures > 0 && RunStrategies.RetriesStart(f.Strategy)),
        ("Stopped", f => f.Instance is null || f.Instance.IsFinal()),
        ("Unknown", _ => true),
    ];

    public static string Of(Facts facts) => Rules.First(r => r.Holds(facts)).Word;

    private static bool Has(Facts facts, string type, string status, string? reason = null) =>
        facts.Instance?.Status?.Conditions?.Any(c => c.Type == type && c.Status == status && (reason is null || c.Reason == reason)) is true;
}
