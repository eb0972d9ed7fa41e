using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Launcher.Tests.Parity;

/// <summary>The mutations of admission that a domain's XML shows. KubeVirt's recorded domains were made behind them.</summary>
internal static class AdmissionDefaults
{
    private const long LeastForMemoryHotplug = 1L << 30;
    private const long MostVcpus = 512;
    private const int HotplugRatio = 4;

    public static VirtualMachineInstance Apply(VirtualMachineInstance vmi)
    {
        var spec = vmi.Spec ?? new VirtualMachineInstanceSpec();
        var domain = spec.Domain ?? new DomainSpec();
        var devices = WithDisks(spec, domain.Devices ?? new Devices());
        var networks = spec.Networks;
        if (devices.AutoattachPodInterface is not false && devices.Interfaces is not { Count: > 0 } && networks is not { Count: > 0 })
        {
            devices = devices with { Interfaces = [new Interface { Name = "default", Bridge = new InterfaceBridge() }] };
            networks = [new Network { Name = "default", Pod = new PodNetwork() }];
        }

        return vmi with
        {
            Spec = spec with
            {
                Networks = networks,
                Domain = domain with
                {
                    Devices = devices,
                    Cpu = WithMaxSockets(domain.Cpu),
                    Memory = WithMaxGuest(domain.Memory),
                },
            },
        };
    }

    private static Devices WithDisks(VirtualMachineInstanceSpec spec, Devices devices)
    {
        var disks = devices.Disks ?? [];
        var named = disks.Select(d => d.Name).Concat((devices.Filesystems ?? []).Select(f => f.Name)).ToHashSet();
        return devices with { Disks = [.. disks, .. (spec.Volumes ?? []).Where(v => !named.Contains(v.Name) && v.MemoryDump is null).Select(v => new Disk { Name = v.Name })] };
    }

    private static CPU WithMaxSockets(CPU? cpu)
    {
        cpu ??= new CPU { Sockets = 1 };
        var perSocket = Math.Max(1, cpu.Cores ?? 1) * Math.Max(1, cpu.Threads ?? 1);
        // A spec that names cores but no sockets gets no room for more.
        var sockets = cpu.Sockets ?? 0;
        var most = sockets * HotplugRatio * perSocket > MostVcpus ? Math.Max(sockets, MostVcpus / perSocket) : sockets * HotplugRatio;
        return cpu.MaxSockets is > 0 ? cpu : cpu with { MaxSockets = most };
    }

    private static Memory? WithMaxGuest(Memory? memory) => memory is { Guest: { } guest, MaxGuest: null, Hugepages: null } && guest.Units >= LeastForMemoryHotplug
        ? memory with { MaxGuest = Quantity.FromBytes(guest.Units * HotplugRatio) }
        : memory;
}
