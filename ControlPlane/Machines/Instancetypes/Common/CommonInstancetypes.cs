using System.Globalization;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes.Common;

/// <summary>The cluster-wide instance types that ship with the product.</summary>
public static class CommonInstancetypes
{
    internal const string Prefix = "instancetype.kubevirt.io/";

    /// <summary>The release of KubeVirt's set that these have the names and values of.</summary>
    internal const string SetVersion = "v1.7.0";

    public static IReadOnlyList<VirtualMachineClusterInstancetype> All { get; } =
        [.. CommonInstancetypeTable.Series.SelectMany(s => s.Sizes.Select(z => Make(s, z.Name, z.Cpus, z.Memory, z.Pages)))];

    private static VirtualMachineClusterInstancetype Make(CommonSeries series, string size, int cpus, string memory, string? pages) => new()
    {
        ApiVersion = "instancetype.kubevirt.io/v1beta1",
        Kind = nameof(VirtualMachineClusterInstancetype),
        Metadata = new ObjectMeta
        {
            Name = $"{series.Name}.{size}",
            Labels = Labels(series, size, cpus, memory, pages),
            Annotations = new Dictionary<string, string> { [Prefix + "displayName"] = series.DisplayName, [Prefix + "description"] = series.Description },
        },
        Spec = new VirtualMachineInstancetypeSpec
        {
            Annotations = series.Undisturbed
                ? new Dictionary<string, string> { ["cpu-load-balancing.crio.io"] = "disable", ["cpu-quota.crio.io"] = "disable", ["irq-load-balancing.crio.io"] = "disable" }
                : null,
            Cpu = new CPUInstancetype
            {
                Guest = cpus,
                DedicatedCPUPlacement = series.Dedicated ? true : null,
                IsolateEmulatorThread = series.Dedicated ? true : null,
                MaxSockets = series.FixedSockets ? cpus : null,
                Numa = series.Numa ? new NUMA { GuestMappingPassthrough = new NUMAGuestMappingPassthrough() } : null,
                Realtime = series.Realtime ? new Realtime() : null,
            },
            IoThreadsPolicy = series.IoThreads,
            Memory = new MemoryInstancetype
            {
                Guest = new Quantity(memory),
                Hugepages = pages is null ? null : new Hugepages { PageSize = pages },
                OvercommitPercent = series.OvercommitPercent,
            },
        },
    };

    private static Dictionary<string, string> Labels(CommonSeries series, string size, int cpus, string memory, string? pages)
    {
        var labels = new Dictionary<string, string>
        {
            [Prefix + "class"] = series.Class,
            [Prefix + "common-instancetypes-version"] = SetVersion,
            [Prefix + "cpu"] = cpus.ToString(CultureInfo.InvariantCulture),
            [Prefix + "icon-pf"] = series.Icon,
            [Prefix + "memory"] = memory,
            [Prefix + "size"] = size,
            [Prefix + "vendor"] = "kubevirt.io",
            [Prefix + "version"] = "1",
        };
        if (series.Dedicated)
            labels[Prefix + "dedicatedCPUPlacement"] = labels[Prefix + "isolateEmulatorThread"] = "true";
        if (pages is not null)
            labels[Prefix + "hugepages"] = pages;
        if (series.Numa)
            labels[Prefix + "numa"] = "true";
        if (series.Realtime)
            labels[Prefix + "realtime"] = "true";
        return labels;
    }
}
