namespace Troupe.Stress.Migration;

public enum FaultKind
{
    KillControlPlane,
    KillAgent,
    KillLauncher,
    KillQemu,
    KillDaemon,

    /// <summary>Every packet between a node's pods and other nodes is dropped for a while.</summary>
    Isolate,

    /// <summary>Nothing gets through between a node's agent and the control plane for a while.</summary>
    CutAgent,
    SlowLink,
    FullDisk,

    /// <summary>A node is emptied.</summary>
    Drain,
}

/// <param name="At">After the start.</param>
/// <param name="Choice">Which of those that are there then: modulo their number.</param>
/// <param name="IsAimed">Meant for one that takes part in a migration, if there is any.</param>
/// <param name="Lasts">Until it is mended; for a killed process, until it is started again.</param>
public sealed record Fault(TimeSpan At, FaultKind Kind, int Choice, bool IsAimed, TimeSpan Lasts);

/// <summary>What goes wrong and when, all of it from a seed.</summary>
public static class FaultPlan
{
    private static readonly (FaultKind Kind, int Weight)[] Weights =
    [
        (FaultKind.KillControlPlane, 1), (FaultKind.KillAgent, 6), (FaultKind.KillLauncher, 5), (FaultKind.KillQemu, 4), (FaultKind.KillDaemon, 6), (FaultKind.Isolate, 5),
        (FaultKind.CutAgent, 5), (FaultKind.SlowLink, 6), (FaultKind.FullDisk, 4), (FaultKind.Drain, 2),
    ];

    public static IReadOnlyList<Fault> Of(StressOptions options)
    {
        var random = new Random(options.Seed);
        var kinds = Weights.Where(w => options.Kinds.Count == 0 || options.Kinds.Contains(w.Kind)).SelectMany(w => Enumerable.Repeat(w.Kind, w.Weight)).ToArray();
        List<Fault> plan = [];
        if (options.FaultsPerMinute <= 0)
            return plan;
        for (var at = Next(); at < options.Duration; at += Next())
            plan.Add(new Fault(at, kinds[random.Next(kinds.Length)], random.Next(), random.Next(2) == 0, TimeSpan.FromSeconds(1 + (random.NextDouble() * 9))));
        return plan;

        // As things go wrong in the world: independently of each other.
        TimeSpan Next() => TimeSpan.FromMinutes(-Math.Log(1 - random.NextDouble()) / options.FaultsPerMinute);
    }
}
