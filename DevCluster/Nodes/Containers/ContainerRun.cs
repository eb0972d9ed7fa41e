using System.Text.Json;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>One run (attempt) of a container, as it is kept in <c>run.json</c> in its bundle directory.</summary>
public sealed record ContainerRun
{
    public int Attempt { get; set; }
    public string Id { get; set; } = "";
    public string Image { get; set; } = "";
    public string ImageId { get; set; } = "";
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>How many quick failures in a row came before this run; decides the pause before the next.</summary>
    public int BackOffStep { get; set; }

    public RunExit? Exit { get; set; }

    public void Save(string bundle) => AtomicFile.Write($"{bundle}/run.json", JsonSerializer.Serialize(this, NodeFiles.Default.ContainerRun));

    public static ContainerRun? Load(string bundle) =>
        File.Exists($"{bundle}/run.json") ? JsonSerializer.Deserialize(File.ReadAllText($"{bundle}/run.json"), NodeFiles.Default.ContainerRun) : null;
}

public sealed record RunExit(int ExitCode, string Reason, string? Message, DateTimeOffset FinishedAt);
