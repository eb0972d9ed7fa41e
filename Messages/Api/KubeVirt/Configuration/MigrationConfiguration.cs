using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>Limits and policy of live migrations in the cluster.</summary>
public sealed record MigrationConfiguration : ApiObject
{
    public bool? AllowAutoConverge { get; init; }
    public bool? AllowPostCopy { get; init; }
    public bool? AllowWorkloadDisruption { get; init; }
    /// <summary>Bytes a second; zero is no limit.</summary>
    public Quantity? BandwidthPerMigration { get; init; }
    /// <summary>Seconds for each GiB to copy.</summary>
    public long? CompletionTimeoutPerGiB { get; init; }
    public bool? DisableTLS { get; init; }
    public bool? MatchSELinuxLevelOnMigration { get; init; }
    /// <summary>Milliseconds that the guest may stand still at the switch-over.</summary>
    [ApiMinimum(1)]
    [ApiMaximum(2000000)]
    [JsonConverter(typeof(UnsignedLongConverter))]
    public long? MaxDowntimeMs { get; init; }
    public string? Network { get; init; }
    public string? NodeDrainTaintKey { get; init; }
    [ApiFormat("int32")]
    public long? ParallelMigrationsPerCluster { get; init; }
    [ApiFormat("int32")]
    public long? ParallelOutboundMigrationsPerNode { get; init; }
    /// <summary>Seconds without progress after which a migration is given up.</summary>
    public long? ProgressTimeout { get; init; }
    public bool? UnsafeMigrationOverride { get; init; }
    public long? UtilityVolumesTimeout { get; init; }
}
