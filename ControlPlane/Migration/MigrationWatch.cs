using System.Collections.Immutable;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Migration;

/// <summary>What a VmiActor knows about moving its guest. The upper half is from its journal, the lower half is what it has been told.</summary>
public sealed record MigrationWatch
{
    public OngoingMigration? Ongoing { get; init; }

    /// <summary>The highest epoch that was ever promised to a target.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>After a handover: the source's right, pod and node, of which something may be left.</summary>
    public Right? Departed { get; init; }
    public string? DepartedPod { get; init; }

    /// <summary>Of the last migrations, by id. A wish for one that is over is answered and not fulfilled again.</summary>
    public ImmutableList<OngoingMigration> Past { get; init; } = [];

    public MigrateVmi? Wish { get; init; }
    public PodObservation? TargetPod { get; init; }
    public bool TargetPodIsGone { get; init; }
    public DomainReported? TargetReport { get; init; }
    public bool DepartedPodIsGone { get; init; }
    public PodObservation? DepartedPodSeen { get; init; }

    /// <summary>Names of pods that the guest has left for good and that have ended well.</summary>
    public ImmutableHashSet<string> Completed { get; init; } = [];

    /// <summary>Why the API server will not have the target pod.</summary>
    public string? TargetPodError { get; init; }

    /// <summary>Id of the migration whose target pod carries the network's mark.</summary>
    public string? AddressesLed { get; init; }

    /// <summary>Id of the migration whose claim for the guest's state was made, and of the one that has left only one such claim.</summary>
    public string? StateClaimMade { get; init; }
    public string? StateClaimSettled { get; init; }

    /// <summary>As many as Kubernetes keeps objects of for each VMI.</summary>
    private const int PastKept = 5;

    public bool IsOfTarget(IDomainReport report) =>
        Ongoing is { } m && m.TargetNode == report.Node && m.TargetEpoch == report.Epoch;

    public MigrationWatch Apply(IMigrationEvent e, Right? right, string? podName)
    {
        var next = OngoingMigration.Apply(Ongoing, e);
        return e switch
        {
            MigrationAccepted accepted => this with { Ongoing = next, HighestEpoch = accepted.TargetEpoch, TargetPod = null, TargetPodIsGone = false, TargetReport = null, TargetPodError = null },
            RightHandedOver => this with { Ongoing = next, Past = Remember(next!), Departed = right, DepartedPod = podName, DepartedPodIsGone = false, TargetPod = null, TargetReport = null },
            MigrationFailed => this with { Ongoing = next, Past = Remember(next!) },
            MigrationReleased released => this with { Past = released.Lost is { } why ? Past.SetItem(Past.Count - 1, Past[^1] with { Lost = why }) : Past, Ongoing = null, Departed = null, DepartedPod = null, DepartedPodSeen = null, TargetPod = null, TargetReport = null, Completed = DepartedPodSeen is { HasEndedWell: true } pod && !DepartedPodIsGone ? Completed.Add(pod.Name) : Completed },
            _ => this with { Ongoing = next },
        };
    }

    private ImmutableList<OngoingMigration> Remember(OngoingMigration migration)
    {
        var past = Past.Add(migration);
        return past.Count > PastKept ? past.RemoveAt(0) : past;
    }
}
