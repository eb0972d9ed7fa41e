using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Vmi;

/// <summary>
/// A decision of a VmiActor, kept in its journal: what it promised and must remember after a crash. The spec and everything else that
/// Kubernetes or the node can tell again is not in here.
/// </summary>
public interface IVmiEvent : IWireMessage
{
    DateTimeOffset At { get; }
}

/// <summary>The name under which the launcher pod is created, however often the creation must be tried.</summary>
public sealed record PodNamed(string PodName, DateTimeOffset At) : IVmiEvent;

/// <summary>The right to run the guest: only this node, only under this epoch.</summary>
public sealed record RightGranted(long Epoch, string Node, string PodUid, DateTimeOffset At) : IVmiEvent;

/// <param name="Phase">As in the VMI's status.</param>
/// <param name="Reason">Why, for a phase that ends the VMI.</param>
public sealed record PhaseEntered(string Phase, string? Reason, string? Message, DateTimeOffset At) : IVmiEvent;

/// <param name="Deadline">When a guest that ignores the power button is destroyed.</param>
public sealed record StopRequested(DateTimeOffset Deadline, DateTimeOffset At) : IVmiEvent;

/// <summary>The node has let go of the domain: nothing of the guest is left there.</summary>
public sealed record DomainReleased(DateTimeOffset At) : IVmiEvent;

/// <summary>The VMI object is gone and nothing remains to be done.</summary>
public sealed record VmiRetired(DateTimeOffset At) : IVmiEvent;
