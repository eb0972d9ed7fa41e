using System.Globalization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Migration;

/// <summary>How many migrations there may be at once.</summary>
/// <param name="PerCluster">`spec.configuration.migrations.parallelMigrationsPerCluster`; KubeVirt's default is 5.</param>
/// <param name="OutboundPerNode">`…parallelOutboundMigrationsPerNode`; KubeVirt's default is 2.</param>
/// <param name="InboundPerNode">KubeVirt has no such limit: annotation <see cref="InboundAnnotation"/> of the KubeVirt object, by default as many as outbound.</param>
/// <param name="BandwidthPerNode">Bytes a second for all migrations into and out of a node together: annotation <see cref="BandwidthAnnotation"/>; zero: no budget.</param>
public sealed record SlotLimits(long PerCluster, long OutboundPerNode, long InboundPerNode, long BandwidthPerNode)
{
    public const string InboundAnnotation = "migrations.troupe.dev/parallel-inbound-per-node";
    public const string BandwidthAnnotation = "migrations.troupe.dev/bandwidth-per-node";
    private const long DefaultPerCluster = 5;
    private const long DefaultOutboundPerNode = 2;

    /// <returns>Beside the limits, what is wrong with the annotations; each wrong one counts as absent.</returns>
    public static (SlotLimits Limits, IReadOnlyList<string> Problems) Of(KubeVirt? installation)
    {
        var c = installation?.Spec?.Configuration?.Migrations;
        var outbound = c?.ParallelOutboundMigrationsPerNode ?? DefaultOutboundPerNode;
        List<string> problems = [];
        var inbound = Annotation(installation, InboundAnnotation, problems, text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : null, "a number above zero");
        var bandwidth = Annotation(installation, BandwidthAnnotation, problems, text => Quantity.TryParse(text, out var bytes) && bytes >= 1 ? (long)bytes : null, "a quantity of bytes a second above zero, such as 64Mi");
        return (new SlotLimits(c?.ParallelMigrationsPerCluster ?? DefaultPerCluster, outbound, inbound ?? outbound, bandwidth ?? 0), problems);
    }

    /// <summary>Bytes a second that a migration may use; under a budget one without a limit of its own has one slot's part of it.</summary>
    public long Share(long own) => BandwidthPerNode <= 0 ? own : own > 0 ? Math.Min(own, BandwidthPerNode) : Math.Max(1, BandwidthPerNode / Math.Max(1, OutboundPerNode));

    private static long? Annotation(KubeVirt? installation, string name, List<string> problems, Func<string, long?> read, string expected)
    {
        if (installation?.Metadata.Annotations?.GetValueOrDefault(name) is not { } text)
            return null;
        if (read(text) is { } value)
            return value;
        problems.Add($"annotation {name} of the KubeVirt object is \"{text}\", not {expected}; it is not used");
        return null;
    }
}
