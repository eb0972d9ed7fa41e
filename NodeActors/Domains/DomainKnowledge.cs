using System.Collections.Immutable;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Domains;

/// <summary>What a DomainActor knows of one VMI's domain on this node.</summary>
public sealed record DomainKnowledge(string VmiUid)
{
    /// <summary>The highest epoch ever commanded or found in the launcher; nothing below it is obeyed.</summary>
    public long Epoch { get; init; }
    public string? PodUid { get; init; }
    public RunDomain? Run { get; init; }
    public StopDomain? Stop { get; init; }
    public bool Release { get; init; }
    public bool Connected { get; init; }

    /// <summary>Tries to connect that have failed since the last one that did not.</summary>
    public int FailedConnects { get; init; }
    public LaunchContext? Context { get; init; }

    /// <summary>The launcher has the domain; it is not to be asked to start it again.</summary>
    public bool Launched { get; init; }

    /// <summary>The latest change of the spec, the network made for it, and whether the launcher has carried it out (or never will).</summary>
    public UpdateDomain? Update { get; init; }
    public LaunchContext? UpdateContext { get; init; }
    public bool Updated { get; init; }

    /// <summary>Plugged volumes that the launcher's pod has.</summary>
    public IReadOnlyList<string> Mounted { get; init; } = [];

    /// <summary>Why the guest can never run from the present order.</summary>
    public DomainRefused? Refusal { get; init; }
    public DomainObservation? Observation { get; init; }

    /// <summary>What the conductor of a migration has ordered and the launcher has not yet answered.</summary>
    public ImmutableList<IMigrationCommand> MigrationOrders { get; init; } = [];
    /// <summary>Of a launcher that does not answer any more.</summary>
    public LastWord? LastWord { get; init; }
    public LauncherPresence Presence { get; init; } = LauncherPresence.Awaited;

    public bool IsOver => Observation?.State is DomainState.Shutoff or DomainState.Crashed || Presence is LauncherPresence.Lost;

    public bool HasDomain => Observation is { State: not DomainState.NoDomain };
}
