using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;
using Troupe.NodeActors.Domains;
using Troupe.NodeActors.Networking;

namespace Troupe.NodeActors.Migration;

/// <summary>
/// A node's side of a migration, as pure functions. The agent only carries: what the conductor orders goes to the launcher once, and the
/// launcher's observations tell how it went. An order that was lost on the way, with the agent or the connection, is given again.
/// </summary>
public static class MigrationSteps
{
    /// <summary>The latest order of each kind.</summary>
    public static DomainKnowledge Order(DomainKnowledge state, IMigrationCommand command)
    {
        var orders = state.MigrationOrders.RemoveAll(o => o.GetType() == command.GetType()).Add(command);
        return command is PrepareTarget prepare && prepare.PodUid != state.PodUid
            ? new DomainKnowledge(state.VmiUid) { Epoch = state.Epoch, PodUid = prepare.PodUid, MigrationOrders = orders }
            : state with { MigrationOrders = orders };
    }

    /// <summary>What to do for a migration next; null when there is nothing.</summary>
    public static DomainStep? Next(DomainKnowledge state) => state.MigrationOrders is [var order, ..]
        ? order is PrepareTarget && state.Context is null ? new DomainStep.PrepareNetwork() : new DomainStep.Ask(Request(order, state.Context))
        : null;

    /// <summary>Answered is done: the conductor looks at the observation, and asks again if that does not satisfy it.</summary>
    public static DomainKnowledge Answered(DomainKnowledge state, ILauncherRequest request) => state.MigrationOrders is [var order, ..] && Request(order, state.Context).Equals(request)
        ? state with { MigrationOrders = state.MigrationOrders.RemoveAt(0) }
        : state;

    /// <summary>The guest whose network is to be made: one that is to run here, or one that is to come with the volumes that were plugged into it.</summary>
    public static (VirtualMachineInstance Vmi, PodFacts Pod, IReadOnlyList<PluggedVolume> Volumes)? NetworkOrder(DomainKnowledge state) =>
        state.MigrationOrders.OfType<PrepareTarget>().FirstOrDefault() is { } prepare ? (prepare.Vmi, new PodFacts(prepare.PodAddresses, prepare.KeptAddresses, prepare.Bindings), prepare.Volumes)
        : state.Run is { } run ? (run.Vmi, new PodFacts(run.PodAddresses, [], run.Bindings), [])
        : null;

    /// <summary>A network that cannot be made, or a volume that cannot be brought, makes no target.</summary>
    public static DomainKnowledge Refused(DomainKnowledge state, string message) => state with
    {
        MigrationOrders = state.MigrationOrders.RemoveAll(o => o is PrepareTarget),
        Observation = (state.Observation ?? new DomainObservation()) with
        {
            Migration = new MigrationObservation(state.MigrationOrders.First(o => o is PrepareTarget).MigrationId, state.Epoch, SourceStage.None, TargetStage.Failed) { Message = message },
        },
    };

    /// <summary>A source launcher is gone: in its place its node says whether the guest had gone back, which decides about the copy.</summary>
    public static DomainKnowledge SourceDied(DomainKnowledge state, DateTimeOffset now)
    {
        if (state.LastWord is not { } word || word.VmiUid != state.VmiUid)
            return state;
        var seen = state.Observation?.Migration is { } m && m.TargetEpoch == word.TargetEpoch ? m : new MigrationObservation(word.MigrationId, word.TargetEpoch, SourceStage.None, TargetStage.None);
        return seen.Source is SourceStage.PassedOn
            ? state
            : state with { Observation = (state.Observation ?? new DomainObservation()) with { Migration = seen with { Source = SourceStage.Stopped, EndedAt = now } } };
    }

    private static ILauncherRequest Request(IMigrationCommand order, LaunchContext? context) => order switch
    {
        PrepareTarget prepare => new PrepareIncoming(prepare.Epoch, prepare.MigrationId, prepare.PodAddresses is [var address, ..] ? address : "0.0.0.0", prepare.SourceCertificate, prepare.Vmi, context!)
        {
            Platform = prepare.Platform,
            Paused = prepare.Paused,
            Copies = prepare.Copies,
            Network = prepare.Network,
        },
        AdoptDomain adopt => new AdoptIncoming(adopt.Epoch, adopt.MigrationId),
        RefuseMigration refuse => new RefuseIncoming(refuse.Epoch, refuse.MigrationId),
        StartMigration start => new MigrateDomain(start.Epoch, start.MigrationId, start.TargetEpoch, start.Target, start.Options) { Copies = start.Copies },
        AbortMigration abort => new AbortMigrate(abort.Epoch, abort.MigrationId, abort.TargetEpoch),
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "not a command of a migration"),
    };
}
