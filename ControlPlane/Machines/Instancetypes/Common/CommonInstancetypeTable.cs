namespace Troupe.ControlPlane.Machines.Instancetypes.Common;

/// <param name="Sizes">Name, vCPUs, memory and page size (null: no huge pages).</param>
internal sealed record CommonSeries(
    string Name, string DisplayName, string Class, string Icon, string Description, IReadOnlyList<(string Name, int Cpus, string Memory, string? Pages)> Sizes)
{
    /// <summary>Dedicated CPUs, and one more for the emulator thread.</summary>
    public bool Dedicated { get; init; }
    public bool Numa { get; init; }
    public bool Realtime { get; init; }

    /// <summary>No sockets for hot-plug: they would claim dedicated CPUs that a node may not have.</summary>
    public bool FixedSockets { get; init; }
    public string? IoThreads { get; init; }

    /// <summary>CRI-O leaves the CPUs alone: no quota, no balancing of load or interrupts.</summary>
    public bool Undisturbed { get; init; }
    public int? OvercommitPercent { get; init; }
}

/// <summary>The instance types that ship with the product; names and values are those that KubeVirt users know.</summary>
internal static class CommonInstancetypeTable
{
    public static readonly IReadOnlyList<CommonSeries> Series =
    [
        new("cx1", "Compute Exclusive", "compute.exclusive", "pficon-registry", "Exclusive CPUs on huge pages, with the NUMA topology passed through, for steady computing.",
            [
                ("medium", 1, "2Gi", "2Mi"),
                ("medium1gi", 1, "2Gi", "1Gi"),
                ("large", 2, "4Gi", "2Mi"),
                ("large1gi", 2, "4Gi", "1Gi"),
                ("xlarge", 4, "8Gi", "2Mi"),
                ("xlarge1gi", 4, "8Gi", "1Gi"),
                ("2xlarge", 8, "16Gi", "2Mi"),
                ("2xlarge1gi", 8, "16Gi", "1Gi"),
                ("4xlarge", 16, "32Gi", "2Mi"),
                ("4xlarge1gi", 16, "32Gi", "1Gi"),
                ("8xlarge", 32, "64Gi", "2Mi"),
                ("8xlarge1gi", 32, "64Gi", "1Gi"),
            ])
        {
            Dedicated = true,
            Numa = true,
            FixedSockets = true,
            IoThreads = "auto",
        },
        new("d1", "Dedicated vCPU", "dedicated.vcpu", "pficon-server-group", "Dedicated CPUs and an extra one for the emulator, without a demand on huge pages.",
            [
                ("nano", 1, "512Mi", null),
                ("micro", 1, "1Gi", null),
                ("small", 1, "2Gi", null),
                ("medium", 1, "4Gi", null),
                ("2xmedium", 2, "4Gi", null),
                ("large", 2, "8Gi", null),
                ("xlarge", 4, "16Gi", null),
                ("2xlarge", 8, "32Gi", null),
                ("4xlarge", 16, "64Gi", null),
                ("8xlarge", 32, "128Gi", null),
            ])
        {
            Dedicated = true,
            IoThreads = "auto",
        },
        new("m1", "Memory Intensive", "memory.intensive", "fa-memory", "Eight gibibytes of memory on huge pages for each vCPU.",
            [
                ("large", 2, "16Gi", "2Mi"),
                ("large1gi", 2, "16Gi", "1Gi"),
                ("xlarge", 4, "32Gi", "2Mi"),
                ("xlarge1gi", 4, "32Gi", "1Gi"),
                ("2xlarge", 8, "64Gi", "2Mi"),
                ("2xlarge1gi", 8, "64Gi", "1Gi"),
                ("4xlarge", 16, "128Gi", "2Mi"),
                ("4xlarge1gi", 16, "128Gi", "1Gi"),
                ("8xlarge", 32, "256Gi", "2Mi"),
                ("8xlarge1gi", 32, "256Gi", "1Gi"),
            ]),
        new("n1", "Network", "network", "pficon-network", "Dedicated CPUs and gibibyte pages for packet processing in the guest (DPDK).",
            [
                ("medium", 4, "4Gi", "1Gi"),
                ("large", 4, "8Gi", "1Gi"),
                ("xlarge", 8, "16Gi", "1Gi"),
                ("2xlarge", 16, "32Gi", "1Gi"),
                ("4xlarge", 32, "64Gi", "1Gi"),
                ("8xlarge", 64, "128Gi", "1Gi"),
            ])
        {
            Dedicated = true,
            Undisturbed = true,
        },
        new("o1", "Overcommitted", "overcommitted", "pficon-virtual-machine", "As the U series, but the node is asked for half of the memory that the guest sees.",
            [
                ("nano", 1, "512Mi", null),
                ("micro", 1, "1Gi", null),
                ("small", 1, "2Gi", null),
                ("medium", 1, "4Gi", null),
                ("large", 2, "8Gi", null),
                ("xlarge", 4, "16Gi", null),
                ("2xlarge", 8, "32Gi", null),
                ("4xlarge", 16, "64Gi", null),
                ("8xlarge", 32, "128Gi", null),
            ]) { OvercommitPercent = 50 },
        new("rt1", "Realtime", "realtime", "pficon-server-group", "Dedicated CPUs, gibibyte pages and realtime scheduling for bounded latency.",
            [
                ("micro", 1, "1Gi", "1Gi"),
                ("small", 1, "2Gi", "1Gi"),
                ("medium", 1, "4Gi", "1Gi"),
                ("large", 2, "8Gi", "1Gi"),
                ("xlarge", 4, "16Gi", "1Gi"),
                ("2xlarge", 8, "32Gi", "1Gi"),
                ("4xlarge", 16, "64Gi", "1Gi"),
                ("8xlarge", 32, "128Gi", "1Gi"),
            ])
        {
            Dedicated = true,
            Numa = true,
            Realtime = true,
            Undisturbed = true,
        },
        new("u1", "General Purpose", "general.purpose", "pficon-server-group", "Shared CPUs and plain memory in a ratio that suits most guests.",
            [
                ("nano", 1, "512Mi", null),
                ("micro", 1, "1Gi", null),
                ("small", 1, "2Gi", null),
                ("medium", 1, "4Gi", null),
                ("2xmedium", 2, "4Gi", null),
                ("large", 2, "8Gi", null),
                ("xlarge", 4, "16Gi", null),
                ("2xlarge", 8, "32Gi", null),
                ("4xlarge", 16, "64Gi", null),
                ("8xlarge", 32, "128Gi", null),
            ]),
    ];
}
