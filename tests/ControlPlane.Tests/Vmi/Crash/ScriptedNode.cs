using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>
/// A node agent with one guest, as the protocol wants it: a smaller epoch is refused, a start starts once, a report is repeated until
/// it is acknowledged. It outlives every incarnation of the actor.
/// </summary>
internal sealed class ScriptedNode(string node, string vmiUid)
{
    private readonly Lock _lock = new();
    private readonly HashSet<long> _epochs = [];
    private DomainReported? _report;
    private bool _isAcknowledged;
    private string? _revision;

    /// <summary>How often a guest was really started.</summary>
    public int Starts { get; private set; }

    /// <summary>Every epoch under which a start was commanded.</summary>
    public IReadOnlyCollection<long> Epochs => _epochs;

    /// <summary>The answer, if the command has one now.</summary>
    public IVmiMessage? Obey(INodeMessage message)
    {
        lock (_lock)
        {
            switch (message)
            {
                case RunDomain run:
                    if (_epochs.Count > 0 && run.Epoch < _epochs.Max())
                        return new DomainRefused(vmiUid, node, run.Epoch, "StaleEpoch", "an older epoch", Fatal: false);
                    _epochs.Add(run.Epoch);
                    if (_report is null)
                    {
                        Starts++;
                        _revision = run.Revision;
                        return Report(run.Epoch, DomainState.Running, DomainReason.Booted);
                    }

                    return _report;
                case QueryDomain query:
                    return (IVmiMessage?)_report ?? new DomainNotHere(vmiUid, node, query.Epoch);
                case StopDomain stop:
                    return _report is { Domain.State: DomainState.Running }
                        ? Report(stop.Epoch, DomainState.Shutoff, DomainReason.Shutdown)
                        : (IVmiMessage?)_report ?? new DomainNotHere(vmiUid, node, stop.Epoch);
                case ReleaseDomain release:
                    _report = null;
                    return new DomainNotHere(vmiUid, node, release.Epoch);
                case ReportAcknowledged ack:
                    _isAcknowledged |= _report?.Sequence <= ack.Sequence;
                    return null;
                default:
                    throw new NotSupportedException(message.GetType().Name);
            }
        }
    }

    /// <summary>What the agent repeats; null when nothing is outstanding.</summary>
    public DomainReported? Outstanding
    {
        get
        {
            lock (_lock)
                return _isAcknowledged ? null : _report;
        }
    }

    private DomainReported Report(long epoch, DomainState state, DomainReason reason)
    {
        _isAcknowledged = false;
        return _report = new DomainReported(vmiUid, node, epoch, "agent", (_report?.Sequence ?? 0) + 1, LauncherPresence.Connected,
            new DomainObservation { Epoch = epoch, State = state, Reason = reason, Revision = _revision });
    }
}
