using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>What a VMI's object says about moving its guest.</summary>
internal static class Guests
{
    /// <summary>The VMI's own strategy, else the cluster's.</summary>
    public static string? EvictionStrategyOf(VirtualMachineInstance vmi, ClusterConfig config) => vmi.Spec?.EvictionStrategy ?? config.EvictionStrategy;

    public static bool IsMigratable(VirtualMachineInstance vmi) => Has(vmi, LiveMigratable.Condition, "True");

    /// <summary>An eviction makes it move by itself; with External somebody else sees to it.</summary>
    public static bool MovesOnEviction(VirtualMachineInstance vmi, ClusterConfig config) => EvictionStrategyOf(vmi, config) switch
    {
        EvictionStrategies.LiveMigrate => true,
        EvictionStrategies.LiveMigrateIfPossible => IsMigratable(vmi),
        _ => false,
    };

    /// <summary>Its memory is being copied.</summary>
    public static bool IsMigrating(VirtualMachineInstance vmi, DateTimeOffset now) =>
        vmi.Status?.MigrationState is { StartTimestamp: { } start } state && start <= now && !(state.EndTimestamp <= now);

    public static bool IsGoing(VirtualMachineInstance vmi) => vmi.Metadata.DeletionTimestamp is not null || vmi.Status?.Phase is VmiPhases.Succeeded or VmiPhases.Failed;

    public static bool Has(VirtualMachineInstance vmi, string type, string? status = null) =>
        vmi.Status?.Conditions?.Any(c => c.Type == type && (status is null || c.Status == status)) is true;
}
