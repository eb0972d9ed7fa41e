using System.Text.Json.Serialization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Migrations;

/// <summary>Migration settings for the instances that its selectors match.</summary>
public sealed record MigrationPolicy : KubeObject
{
    [ApiRequired]
    public MigrationPolicySpec? Spec { get; init; }
    [ApiNullable]
    public MigrationPolicyStatus? Status { get; init; }
}

public sealed record MigrationPolicySpec : ApiObject
{
    public bool? AllowAutoConverge { get; init; }
    public bool? AllowPostCopy { get; init; }
    public bool? AllowWorkloadDisruption { get; init; }
    public Quantity? BandwidthPerMigration { get; init; }
    public long? CompletionTimeoutPerGiB { get; init; }
    public ExperimentalMigrationOptions? Experimental { get; init; }
    [ApiMinimum(1)]
    [ApiMaximum(2000000)]
    [JsonConverter(typeof(UnsignedLongConverter))]
    public long? MaxDowntimeMs { get; init; }
    [ApiRequired]
    public MigrationPolicySelectors? Selectors { get; init; }
}

/// <summary>Both maps must match in full; the policy with the most matched labels wins.</summary>
public sealed record MigrationPolicySelectors : ApiObject
{
    public IReadOnlyDictionary<string, string>? NamespaceSelector { get; init; }
    public IReadOnlyDictionary<string, string>? VirtualMachineInstanceSelector { get; init; }
}

public sealed record MigrationPolicyStatus : ApiObject;
