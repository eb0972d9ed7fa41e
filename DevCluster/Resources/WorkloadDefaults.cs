using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources;

/// <summary>What Kubernetes fills into the specs of workloads, beside their pod templates.</summary>
internal static class WorkloadDefaults
{
    private const long RevisionHistory = 10;

    public static void Fill(JsonObject spec, string? kind)
    {
        switch (kind)
        {
            case "Deployment":
                spec.Fill("revisionHistoryLimit", RevisionHistory);
                spec.Fill("progressDeadlineSeconds", 600L);
                Strategy(spec.Child("strategy"), ("maxUnavailable", "25%"), ("maxSurge", "25%"));
                break;
            case "StatefulSet":
                spec.Fill("revisionHistoryLimit", RevisionHistory);
                spec.Fill("podManagementPolicy", "OrderedReady");
                Strategy(spec.Child("updateStrategy"), ("partition", 0L));
                break;
            case "DaemonSet":
                spec.Fill("revisionHistoryLimit", RevisionHistory);
                Strategy(spec.Child("updateStrategy"), ("maxUnavailable", 1L), ("maxSurge", 0L));
                break;
        }
    }

    private static void Strategy(JsonObject strategy, params ReadOnlySpan<(string Name, JsonNode Value)> rolling)
    {
        strategy.Fill("type", "RollingUpdate");
        if (strategy.Str("type") != "RollingUpdate")
            return;
        foreach (var (name, value) in rolling)
            strategy.Child("rollingUpdate").Fill(name, value);
    }
}
