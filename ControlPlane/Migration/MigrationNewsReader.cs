using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Migration;

/// <summary>Takes in what the world says about the ends that do not hold the right: the target before a handover, the source after it.</summary>
internal static class MigrationNewsReader
{
    /// <param name="ownPod">Of the end that holds the right.</param>
    public static MigrationWatch Read(MigrationWatch watch, IVmiMessage message, string? ownPod) => message switch
    {
        // One wish at a time; another one is answered that it has to wait or to fail.
        MigrateVmi wish when watch.Ongoing is null || watch.Ongoing.Id == wish.MigrationId => watch with { Wish = wish },
        PodObserved { Pod: var pod } when IsTarget(watch, pod.Name) && !watch.TargetPodIsGone => watch with { TargetPod = pod, TargetPodError = null },
        PodObserved { Pod: var pod } when pod.Name == watch.DepartedPod => watch with { DepartedPodSeen = pod },
        PodObserved { Pod: { HasEndedWell: true, Deleting: false } pod } when pod.Name != ownPod && pod.Name != watch.Ongoing?.PodName => watch with { Completed = watch.Completed.Add(pod.Name) },
        PodGone gone when IsTarget(watch, gone.PodName) => watch with { TargetPodIsGone = true },
        PodGone gone when gone.PodName == watch.DepartedPod => watch with { DepartedPodIsGone = true },
        PodGone gone when watch.Completed.Contains(gone.PodName) => watch with { Completed = watch.Completed.Remove(gone.PodName) },
        AddressesLed led => watch with { AddressesLed = led.MigrationId },
        StateClaimMade made => watch with { StateClaimMade = made.MigrationId },
        StateClaimSettled settled => watch with { StateClaimSettled = settled.MigrationId },
        NoPodListed => watch with { TargetPodIsGone = watch.TargetPodIsGone || watch.TargetPod is not null, DepartedPodIsGone = watch.DepartedPod is not null, Completed = [] },
        DomainReported report when IsBeforeHandover(watch) && watch.IsOfTarget(report) && IsNewer(watch, report) => watch with { TargetReport = report },
        _ => watch,
    };

    private static bool IsBeforeHandover(MigrationWatch watch) => watch.Ongoing is { Step: not MigrationStep.HandedOver };

    private static bool IsTarget(MigrationWatch watch, string podName) => IsBeforeHandover(watch) && watch.Ongoing!.PodName == podName;

    private static bool IsNewer(MigrationWatch watch, DomainReported report) =>
        watch.TargetReport is not { } known || known.Agent != report.Agent || report.Sequence > known.Sequence;
}
