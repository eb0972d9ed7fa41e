using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Containers;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Network;

namespace Troupe.DevCluster.Nodes.Kubelet;

/// <summary>What a restarted kubelet must know of a pod before the API tells it anything; <c>pod.json</c> in the pod's directory.</summary>
internal sealed record PodRecord(PodAddress Address, DateTimeOffset StartTime, bool Released, JsonObject Pod)
{
    public void Save(string podDirectory) => AtomicFile.Write($"{podDirectory}/pod.json", JsonSerializer.Serialize(this));

    public static PodRecord? Load(string podDirectory) =>
        File.Exists($"{podDirectory}/pod.json") ? JsonSerializer.Deserialize<PodRecord>(File.ReadAllText($"{podDirectory}/pod.json")) : null;

    /// <summary>The kept runs of a container, oldest first.</summary>
    public static IReadOnlyList<ContainerRun> Runs(string podDirectory, string container)
    {
        var directory = $"{podDirectory}/containers/{container}";
        return Directory.Exists(directory)
            ? [.. Directory.EnumerateDirectories(directory).Select(ContainerRun.Load).OfType<ContainerRun>().OrderBy(run => run.Attempt)]
            : [];
    }
}
