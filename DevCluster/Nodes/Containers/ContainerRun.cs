using System.Text.Json;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>One run (attempt) of a container, as it is kept in <c>run.json</c> in its bundle directory.</summary>
public sealed record ContainerRun
{
    public int Attempt { get; init; }
    public string Id { get; init; } = "";
    public string Image { get; init; } = "";
    public string ImageId { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How many quick failures in a row came before this run; decides the pause before the next.</summary>
    public int BackOffStep { get; init; }

    public RunExit? Exit { get; init; }

    public void Save(string bundle) => AtomicFile.Write($"{bundle}/run.json", JsonSerializer.Serialize(this));

    public static ContainerRun? Load(string bundle) =>
        File.Exists($"{bundle}/run.json") ? JsonSerializer.Deserialize<ContainerRun>(File.ReadAllText($"{bundle}/run.json")) : null;
}

public sealed record RunExit(int ExitCode, string Reason, string? Message, DateTimeOffset FinishedAt);
