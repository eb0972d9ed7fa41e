namespace Troupe.ControlPlane.Admission.Schema;

/// <summary>
/// Integers that KubeVirt's Go types keep unsigned. The schema calls them integers, so a negative one passes it and is refused when the
/// object is read.
/// </summary>
internal static class GoIntegers
{
    private static readonly (string Name, decimal Largest) UInt8 = ("uint8", byte.MaxValue);
    private static readonly (string Name, decimal Largest) UInt32 = ("uint32", uint.MaxValue);
    private static readonly (string Name, decimal Largest) UInt64 = ("uint64", ulong.MaxValue);
    private static readonly (string Name, decimal Largest) UInt = ("uint", ulong.MaxValue);

    private static readonly Dictionary<string, (string Name, decimal Largest)> Unsigned = new()
    {
        ["CPU.cores"] = UInt32,
        ["CPU.sockets"] = UInt32,
        ["CPU.threads"] = UInt32,
        ["CPU.maxSockets"] = UInt32,
        ["CPUTopology.cores"] = UInt32,
        ["CPUTopology.sockets"] = UInt32,
        ["CPUTopology.threads"] = UInt32,
        ["CPUInstancetype.guest"] = UInt32,
        ["CPUInstancetype.maxSockets"] = UInt32,
        ["CPUPreferenceRequirement.guest"] = UInt32,
        ["SpreadOptions.ratio"] = UInt32,
        ["VirtualMachinePreferenceSpec.preferSpreadSocketToCoreRatio"] = UInt32,
        ["Disk.bootOrder"] = UInt,
        ["Interface.bootOrder"] = UInt,
        ["CustomBlockSize.logical"] = UInt,
        ["CustomBlockSize.physical"] = UInt,
        ["CustomBlockSize.discardGranularity"] = UInt,
        ["FeatureSpinlocks.spinlocks"] = UInt32,
        ["DiskIOThreads.supplementalPoolThreadCount"] = UInt32,
        ["LiveUpdateConfiguration.maxHotplugRatio"] = UInt32,
        ["LiveUpdateConfiguration.maxCpuSockets"] = UInt32,
        ["MigrationConfiguration.parallelOutboundMigrationsPerNode"] = UInt32,
        ["MigrationConfiguration.parallelMigrationsPerCluster"] = UInt32,
        ["MigrationConfiguration.maxDowntimeMs"] = UInt64,
        ["MigrationPolicySpec.maxDowntimeMs"] = UInt64,
        ["StallDetectorOptions.stallProgressTimeout"] = UInt64,
        ["StallDetectorOptions.switchoverTimeout"] = UInt64,
        ["KubeVirtConfiguration.memBalloonStatsPeriod"] = UInt32,
        ["ComponentConfig.replicas"] = UInt8,
        ["DeveloperConfiguration.minimumReservePVCBytes"] = UInt64,
    };

    /// <param name="isWide">The model holds 64 bits.</param>
    public static SchemaNode Of(string declaringType, string property, bool isWide)
    {
        if (Unsigned.TryGetValue($"{declaringType}.{property}", out var unsigned))
            return new SchemaNode(SchemaKind.Integer, unsigned.Name) { Range = (0, unsigned.Largest) };
        return isWide
            ? new SchemaNode(SchemaKind.Integer, "int64")
            : new SchemaNode(SchemaKind.Integer, "int32") { Range = (int.MinValue, int.MaxValue) };
    }
}
