using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Domains;

/// <summary>What the control plane is to hear of one domain: only ever the latest, until it has acknowledged that.</summary>
internal sealed class ReportQueue(string node, string agentId, DateTimeOffset start)
{
    // Counting from the clock keeps an acknowledgement meant for an earlier agent process below every report of this one.
    private long _sequence = start.ToUnixTimeMilliseconds();
    private DomainReported? _last;

    public DomainReported? Unacknowledged { get; private set; }

    /// <summary>The report to send, null when there is nothing to say yet or nothing new.</summary>
    /// <param name="again">Somebody asked: say it even if it is known.</param>
    public DomainReported? Next(DomainKnowledge state, bool again)
    {
        if (state.Epoch == 0 || (state.Observation is null && state.Presence is not LauncherPresence.Lost))
            return null;
        var domain = state.Observation ?? new DomainObservation();
        if (!again && _last is { } last && last.Epoch == state.Epoch && last.Launcher == state.Presence && last.Domain.Sequence == domain.Sequence && last.Domain.State == domain.State && last.Mounted.SequenceEqual(state.Mounted))
            return null;
        return _last = Unacknowledged = new DomainReported(state.VmiUid, node, state.Epoch, agentId, ++_sequence, state.Presence, domain) { Mounted = state.Mounted };
    }

    /// <returns>Whether the latest report is what was acknowledged.</returns>
    public bool Acknowledge(long sequence)
    {
        if (_last is null || sequence < _last.Sequence)
            return false;
        Unacknowledged = null;
        return true;
    }
}
