using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.Messages.Protocol.Node;

/// <summary>What a node agent tells the VmiActor.</summary>
public interface IDomainReport : IVmiMessage
{
    string Node { get; }
    long Epoch { get; }
}

/// <summary>The latest state of the domain. Repeated until <see cref="ReportAcknowledged"/> with its sequence (or a later one) arrives.</summary>
/// <param name="Sequence">Grows within one agent process, over all causes; not the launcher's own sequence.</param>
/// <param name="Agent">The agent process that counts <paramref name="Sequence"/>.</param>
public sealed record DomainReported(string VmiUid, string Node, long Epoch, string Agent, long Sequence, LauncherPresence Launcher, DomainObservation Domain) : IDomainReport
{
    /// <summary>Plugged volumes that the launcher's pod has, whether the guest has them or not.</summary>
    public IReadOnlyList<string> Mounted { get; init; } = [];
}

public enum LauncherPresence
{
    /// <summary>The pod runs but its launcher does not answer yet.</summary>
    Awaited,
    Connected,
    /// <summary>The connection broke and cannot be made again: the launcher process is gone, and QEMU with it.</summary>
    Lost,
}

/// <summary>Answer to <see cref="QueryDomain"/> and <see cref="ReleaseDomain"/>: the agent has no domain actor and no launcher of that VMI.</summary>
public sealed record DomainNotHere(string VmiUid, string Node, long Epoch) : IDomainReport;

/// <summary>A command was not obeyed, and why: a stale epoch, or something in the spec that this host cannot do.</summary>
/// <param name="Reason">A CamelCase word for conditions and events.</param>
/// <param name="Fatal">The guest will never run from this command; the VMI fails.</param>
public sealed record DomainRefused(string VmiUid, string Node, long Epoch, string Reason, string Message, bool Fatal) : IDomainReport
{
    /// <summary>The change that failed; null when it was the start.</summary>
    public string? Revision { get; init; }
}
