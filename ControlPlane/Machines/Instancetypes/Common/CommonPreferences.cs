using System.Globalization;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes.Common;

/// <summary>The cluster-wide preferences that ship with the product.</summary>
public static class CommonPreferences
{
    private const string Prefix = CommonInstancetypes.Prefix;
    private const string Windows = "windows";

    public static IReadOnlyList<VirtualMachineClusterPreference> All { get; } = [.. CommonPreferenceTable.Rows.Select(Make)];

    private static VirtualMachineClusterPreference Make(CommonPreferenceRow row) => new()
    {
        ApiVersion = "instancetype.kubevirt.io/v1beta1",
        Kind = nameof(VirtualMachineClusterPreference),
        Metadata = new ObjectMeta
        {
            Name = row.Name,
            Labels = Labels(row),
            Annotations = new Dictionary<string, string>
            {
                ["iconClass"] = "icon-" + row.Icon,
                ["openshift.io/display-name"] = row.DisplayName,
                ["openshift.io/provider-display-name"] = "KubeVirt",
                ["tags"] = "hidden,kubevirt," + row.Tags,
            },
        },
        Spec = new VirtualMachinePreferenceSpec
        {
            Annotations = Annotations(row),
            Clock = row.OsType == Windows ? WindowsPreferences.Clock : null,
            Cpu = Cpu(row),
            Devices = Devices(row),
            Features = row.OsType == Windows ? WindowsPreferences.Features with { PreferredSmm = Smm(row) } : Smm(row) is { } smm ? new FeaturePreferences { PreferredSmm = smm } : null,
            Firmware = Efi(row) is { } efi ? new FirmwarePreferences { PreferredEfi = efi } : null,
            PreferredArchitecture = row.Architecture.Length > 0 ? row.Architecture : null,
            PreferredTerminationGracePeriodSeconds = row.OsType == Windows ? WindowsPreferences.TerminationGracePeriodSeconds : null,
            Requirements = row.Cpus == 0 ? null : new PreferenceRequirements
            {
                Architecture = row.Architecture.Length > 0 ? row.Architecture : null,
                Cpu = new CPUPreferenceRequirement { Guest = row.Cpus },
                Memory = new MemoryPreferenceRequirement { Guest = new Quantity(row.Memory) },
            },
        },
    };

    private static DevicePreferences Devices(CommonPreferenceRow row) => new()
    {
        PreferredDiskBus = row.DiskBus,
        PreferredInterfaceModel = row.NicModel,
        PreferredRng = Has(row, Trait.Rng) ? new Rng() : null,
        PreferredDiskDedicatedIoThread = Flag(row, Trait.IoThread),
        PreferredAutoattachInputDevice = Has(row, Trait.Input) || Has(row, Trait.Tablet) ? true : null,
        PreferredInputBus = Has(row, Trait.Tablet) ? "virtio" : null,
        PreferredInputType = Has(row, Trait.Tablet) ? "tablet" : null,
        PreferredNetworkInterfaceMultiQueue = Has(row, Trait.Dpdk) || Has(row, Trait.Realtime) ? true : null,
        PreferredTPM = Has(row, Trait.Tpm) ? new TPMDevice { Persistent = true } : null,
        PreferredVideoType = Has(row, Trait.Video) ? "virtio" : null,
        PreferredUseVirtioTransitional = Flag(row, Trait.Transitional),
        // What wakes CPUs up without need is left out of a realtime guest.
        PreferredAutoattachGraphicsDevice = Has(row, Trait.Realtime) ? false : null,
        PreferredAutoattachMemBalloon = Has(row, Trait.Realtime) ? false : null,
        PreferredAutoattachSerialConsole = Flag(row, Trait.Realtime),
    };

    private static CPUPreferences? Cpu(CommonPreferenceRow row) => row switch
    {
        { OsType: Windows } => new CPUPreferences { PreferredCPUTopology = "sockets" },
        _ when Has(row, Trait.Dpdk) => new CPUPreferences { PreferredCPUTopology = "spread", SpreadOptions = new SpreadOptions { Across = "SocketsCoresThreads", Ratio = 4 } },
        _ when Has(row, Trait.Realtime) => new CPUPreferences { PreferredCPUTopology = "spread", SpreadOptions = new SpreadOptions { Across = "SocketsCoresThreads" } },
        _ => null,
    };

    private static EFI? Efi(CommonPreferenceRow row) =>
        Has(row, Trait.PersistentEfi) ? new EFI { SecureBoot = true, Persistent = true }
        : Has(row, Trait.SecureBoot) ? new EFI { SecureBoot = true }
        : Has(row, Trait.Efi) ? new EFI { SecureBoot = false }
        : null;

    private static FeatureState? Smm(CommonPreferenceRow row) => Has(row, Trait.Smm) ? new FeatureState() : null;

    private static Dictionary<string, string> Annotations(CommonPreferenceRow row)
    {
        var annotations = new Dictionary<string, string> { ["vm.kubevirt.io/os"] = row.OsType };
        if (Has(row, Trait.NoPciHole))
            annotations["kubevirt.io/disablePCIHole64"] = "true";
        return annotations;
    }

    private static Dictionary<string, string> Labels(CommonPreferenceRow row)
    {
        var labels = new Dictionary<string, string>
        {
            [Prefix + "common-instancetypes-version"] = CommonInstancetypes.SetVersion,
            [Prefix + "os-type"] = row.OsType,
            [Prefix + "vendor"] = "kubevirt.io",
        };
        if (row.Architecture.Length > 0)
            labels[Prefix + "arch"] = labels[Prefix + "preferred-architecture"] = labels[Prefix + "required-architecture"] = row.Architecture;
        if (row.Cpus > 0)
            (labels[Prefix + "required-cpu"], labels[Prefix + "required-memory"]) = (row.Cpus.ToString(CultureInfo.InvariantCulture), row.Memory);
        return labels;
    }

    private static bool Has(CommonPreferenceRow row, Trait trait) => row.Traits.HasFlag(trait);

    private static bool? Flag(CommonPreferenceRow row, Trait trait) => Has(row, trait) ? true : null;
}
