using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// What a VMI that leaves things open gets when its guest is made. Not written back: until admission does so at creation, the object
/// shows what its author said.
/// </summary>
public static class VmiDefaults
{
    public const string MachineType = "q35";
    public const string DiskBus = "virtio";
    public const string PodNetworkName = "default";

    public static VirtualMachineInstance Apply(VirtualMachineInstance vmi)
    {
        var spec = vmi.Spec ?? new VirtualMachineInstanceSpec();
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        var (interfaces, networks) = PodNetwork(devices, spec);
        return vmi with
        {
            Spec = spec with
            {
                Networks = networks,
                TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds ?? VmiLifecycle.DefaultGracePeriodSeconds,
                Domain = domain with
                {
                    Machine = new Machine { Type = domain.Machine?.Type is { Length: > 0 } type ? type : MachineType },
                    Cpu = (domain.Cpu ?? new CPU()) with { Sockets = domain.Cpu?.Sockets ?? 1, Cores = domain.Cpu?.Cores ?? 1, Threads = domain.Cpu?.Threads ?? 1 },
                    Memory = (domain.Memory ?? new Memory()) with { Guest = Quantity.FromBytes(GuestSize.MemoryBytes(domain)) },
                    Firmware = (domain.Firmware ?? new Firmware()) with { Uuid = domain.Firmware?.Uuid ?? vmi.Metadata.Uid },
                    Devices = devices with { Interfaces = interfaces, Disks = Disks(devices, spec) },
                },
            },
        };
    }

    private static (IReadOnlyList<Interface>?, IReadOnlyList<Network>?) PodNetwork(Devices devices, VirtualMachineInstanceSpec spec)
    {
        if (devices.Interfaces is { Count: > 0 } || spec.Networks is { Count: > 0 } || devices.AutoattachPodInterface is false)
            return (devices.Interfaces, spec.Networks);
        // KubeVirt's default is a bridge; masquerade keeps the pod's own address working and can be live-migrated.
        return ([new Interface { Name = PodNetworkName, Masquerade = new InterfaceMasquerade() }], [new Network { Name = PodNetworkName, Pod = new PodNetwork() }]);
    }

    /// <summary>A volume that no disk names becomes a disk.</summary>
    private static IReadOnlyList<Disk> Disks(Devices devices, VirtualMachineInstanceSpec spec)
    {
        var disks = devices.Disks ?? [];
        var taken = disks.Select(d => d.Name).Concat((devices.Filesystems ?? []).Select(f => f.Name)).ToHashSet();
        return
        [
            .. disks.Select(d => d.DiskValue is null && d.Cdrom is null && d.Lun is null ? d with { DiskValue = new DiskTarget { Bus = DiskBus } } : d),
            .. (spec.Volumes ?? []).Where(v => !taken.Contains(v.Name) && v.MemoryDump is null).Select(v => new Disk { Name = v.Name, DiskValue = new DiskTarget { Bus = DiskBus } }),
        ];
    }
}
