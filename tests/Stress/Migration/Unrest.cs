using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Stress.Migration;

/// <summary>What is not as it has to be when nothing is under way any more.</summary>
internal static class Unrest
{
    private const string KeptAnnotation = "network.troupe.dev/kept-addresses";

    /// <summary>Every migration has ended, every guest runs once and where its VMI says, and there is nothing else.</summary>
    public static IReadOnlyList<string> Of(SimulatedCluster cluster)
    {
        List<string> problems = [.. cluster.MigrationCache.Objects.Values.Where(m => ObjectCache.Phase(m) is not ("Succeeded" or "Failed")).Select(m => $"migration {ObjectCache.Name(m)} is {ObjectCache.Phase(m) ?? "not begun"}")];
        var launchers = cluster.Hosts.Launchers.Values.ToLookup(l => l.VmiUid, StringComparer.Ordinal);
        // What a guest has left behind ends well and stays for a while.
        var pods = cluster.PodCache.Objects.Values.Where(p => ObjectCache.Phase(p) != "Succeeded").ToLookup(p => (string?)p["metadata"]!["labels"]?[Labels.CreatedBy], StringComparer.Ordinal);
        foreach (var (uid, vmi) in cluster.VmiCache.Objects)
        {
            var (phase, who) = (ObjectCache.Phase(vmi), $"VMI {ObjectCache.Name(vmi)} ({uid})");
            var own = launchers[uid].ToList();
            if (phase is "Failed" or "Succeeded")
            {
                if (cluster.Hosts.Ledger.Guests.GetValueOrDefault(uid)?.Excuse is null)
                    problems.Add($"{who} is {phase}, and nobody killed its guest: {vmi["status"]?["reason"]}");
                problems.AddRange(own.Select(l => $"{who} is {phase} and pod {l.PodUid} on {l.Node} has its launcher"));
            }
            else if (phase != "Running")
            {
                problems.Add($"{who} is {phase ?? "new"}");
            }
            else if (own is not [{ RunsGuest: true } only])
            {
                problems.Add($"{who} is Running with {own.Count} launchers, of which {own.Count(l => l.RunsGuest)} run its guest");
            }
            else if (only.Node != (string?)vmi["status"]!["nodeName"])
            {
                problems.Add($"{who} runs on {only.Node} and its status says {vmi["status"]!["nodeName"]}");
            }
            else if (pods[uid].Count() != 1)
            {
                problems.Add($"{who} has {pods[uid].Count()} pods");
            }
        }

        problems.AddRange(launchers.Where(l => !cluster.VmiCache.Objects.ContainsKey(l.Key)).SelectMany(l => l).Select(l => $"pod {l.PodUid} on {l.Node} has a launcher of VMI {l.VmiUid}, which is gone"));
        return problems;
    }

    /// <summary>Peers that know a guest by the address of its first pod, and do not reach it any more.</summary>
    public static IReadOnlyList<string> LostSessions(SimulatedCluster cluster)
    {
        var pods = cluster.PodCache.Objects;
        return [.. from launcher in cluster.Hosts.Launchers.Values
                   where launcher.RunsGuest && cluster.Hosts.Sessions.TryGetValue(launcher.VmiUid, out var session) && session != launcher.Address
                   let session = cluster.Hosts.Sessions[launcher.VmiUid]
                   let led = (string?)pods.GetValueOrDefault(launcher.PodUid)?["metadata"]?["annotations"]?[KeptAnnotation]
                   where !launcher.LedAddresses.Contains(session) || led?.Split(',').Contains(session) is not true
                   select $"VMI {launcher.VmiUid} on {launcher.Node} is not reached by {session} any more (pod prepared for {string.Join(' ', launcher.LedAddresses)}; network told {led ?? "nothing"})"];
    }

    /// <summary>When all VMIs were deleted, nothing of them is anywhere.</summary>
    public static IReadOnlyList<string> Left(SimulatedCluster cluster)
    {
        List<string> left = [.. cluster.VmiCache.Objects.Values.Select(v => $"VMI {ObjectCache.Name(v)} is left, {ObjectCache.Phase(v)}")];
        left.AddRange(cluster.Hosts.Launchers.Values.Select(l => $"a launcher of VMI {l.VmiUid} is left on {l.Node}, {(l.HasGuest ? "with" : "without")} a QEMU"));
        left.AddRange(cluster.PodCache.Objects.Values.Select(p => $"pod {ObjectCache.Name(p)} is left"));
        if (cluster.Hosts.Network.OpenPorts is > 0 and var ports)
            left.Add($"{ports} migration ports are open");
        if (cluster.Kubelets.LeftFolders(cluster.Nodes) is > 0 and var folders)
            left.Add($"{folders} folders of pods are left");
        return left;
    }
}
