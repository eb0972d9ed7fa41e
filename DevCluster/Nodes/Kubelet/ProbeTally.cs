using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>The results of one probe so far: the verdict changes only after enough equal results in a row. Pure.</summary>
internal sealed record ProbeTally(bool? Verdict, bool Last = false, int Streak = 0)
{
    public ProbeTally After(bool ok, Probe probe)
    {
        var streak = Streak > 0 && Last == ok ? Streak + 1 : 1;
        var enough = streak >= Math.Max(1, ok ? probe.SuccessThreshold : probe.FailureThreshold);
        return new ProbeTally(enough ? ok : Verdict, ok, streak);
    }
}

internal enum ProbeKind
{
    Startup,
    Liveness,
    Readiness,
}
