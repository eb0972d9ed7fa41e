namespace Troupe.Stress.Migration;

/// <param name="Guests">VirtualMachineInstances that live at a time.</param>
/// <param name="Duration">How long migrations and faults go on, after all guests run and before everything has to come to rest.</param>
/// <param name="Seed">Of every random choice.</param>
/// <param name="Parallel">Migrations at a time, over the whole cluster.</param>
/// <param name="FaultsPerMinute">On the average; 0 for none.</param>
/// <param name="Settle">How long everything may take to come to rest when the faults are over.</param>
public sealed record StressOptions(int Guests, int Nodes, TimeSpan Duration, int Seed, int Parallel, double FaultsPerMinute, TimeSpan Settle)
{
    /// <summary>Share of migrations that somebody deletes while they are under way.</summary>
    public double AbortShare { get; init; } = 0.1;

    /// <summary>Kinds of faults; all that the stress knows when empty.</summary>
    public IReadOnlyList<FaultKind> Kinds { get; init; } = [];

    /// <summary>Seconds after which a copy that does not end is given up.</summary>
    public int CompletionTimeoutPerGiB { get; init; } = 20;

    /// <summary>Migrations that each source node may have at a time.</summary>
    public int ParallelPerNode => Math.Max(2, 2 * Parallel / Nodes);
}
