using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Disks with their volumes and NICs with their networks, as they are plugged into and pulled out of a running guest.</summary>
internal static class LiveDevices
{
    public static VirtualMachineInstanceSpec Apply(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance) =>
        Interfaces(started, wanted, Volumes(wanted, instance));

    /// <summary>Whether every difference in devices between the two templates is one that a running guest can take.</summary>
    public static bool Covers(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted) =>
        Same(Fixed(started, wanted), Fixed(wanted, started)) && NicsCovered(started, wanted);

    private static VirtualMachineInstanceSpec Volumes(VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance)
    {
        var plugged = (wanted.Volumes ?? []).Where(IsHotpluggable).ToList();
        var names = plugged.Select(v => v.Name).ToHashSet();
        var pulled = (instance.Volumes ?? []).Where(v => IsHotpluggable(v) && !names.Contains(v.Name)).Select(v => v.Name).ToHashSet();
        var volumes = (instance.Volumes ?? []).Where(v => !pulled.Contains(v.Name)).Select(v => plugged.FirstOrDefault(p => p.Name == v.Name) ?? v).ToList();
        volumes.AddRange(plugged.Where(p => volumes.All(v => v.Name != p.Name)));
        var disks = (instance.Domain?.Devices?.Disks ?? []).Where(d => !pulled.Contains(d.Name)).ToList();
        var wantedDisks = wanted.Domain?.Devices?.Disks ?? [];
        disks.AddRange(names.Where(n => disks.All(d => d.Name != n)).Select(n => wantedDisks.FirstOrDefault(d => d.Name == n)).OfType<Disk>());
        return WithDevices(instance with { Volumes = instance.Volumes is null && volumes.Count == 0 ? null : volumes }, d => d with { Disks = d.Disks is null && disks.Count == 0 ? null : disks });
    }

    private static VirtualMachineInstanceSpec Interfaces(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance)
    {
        var (before, after) = (Nics(started), Nics(wanted));
        var nics = Nics(instance).Select(n => after.FirstOrDefault(a => a.Name == n.Name) is { } a && before.Any(b => b.Name == n.Name) ? n with { State = a.State } : n).ToList();
        var added = after.Where(a => a.State != "absent" && CanPlug(a) && nics.All(n => n.Name != a.Name)).ToList();
        nics.AddRange(added);
        var networks = (instance.Networks ?? []).Select(n => wanted.Networks?.FirstOrDefault(w => w.Name == n.Name) is { Multus: { } multus } && n.Multus is not null ? n with { Multus = multus } : n).ToList();
        networks.AddRange((wanted.Networks ?? []).Where(w => added.Any(a => a.Name == w.Name) && networks.All(n => n.Name != w.Name)));
        return WithDevices(instance with { Networks = instance.Networks is null && networks.Count == 0 ? null : networks }, d => d with { Interfaces = d.Interfaces is null && nics.Count == 0 ? null : nics });
    }

    /// <summary>Volumes and disks of a template without those that come or go by hot-plug in either direction.</summary>
    private static VirtualMachineInstanceSpec Fixed(VirtualMachineInstanceSpec spec, VirtualMachineInstanceSpec other)
    {
        var live = (spec.Volumes ?? []).Concat(other.Volumes ?? []).Where(IsHotpluggable).Select(v => v.Name).ToHashSet();
        return new VirtualMachineInstanceSpec
        {
            Volumes = [.. (spec.Volumes ?? []).Where(v => !live.Contains(v.Name))],
            Domain = new DomainSpec { Devices = new Devices { Disks = [.. (spec.Domain?.Devices?.Disks ?? []).Where(d => !live.Contains(d.Name))] } },
        };
    }

    /// <summary>A NIC may be added, get another link state or be marked absent; any other change of one takes a restart.</summary>
    private static bool NicsCovered(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted)
    {
        var (before, after) = (Nics(started), Nics(wanted));
        return before.All(b => after.FirstOrDefault(a => a.Name == b.Name) is { } a
                ? Same(Only(b with { State = null }), Only(a with { State = null }))
                : b.State == "absent")
            && after.Where(a => before.All(b => b.Name != a.Name)).All(CanPlug)
            && (started.Networks ?? []).All(n => wanted.Networks?.FirstOrDefault(w => w.Name == n.Name) is { } w
                ? (n.Multus is null) == (w.Multus is null) && (n.Pod is null) == (w.Pod is null)
                : before.FirstOrDefault(b => b.Name == n.Name)?.State == "absent");
    }

    private static VirtualMachineInstanceSpec Only(Interface nic) => new() { Domain = new DomainSpec { Devices = new Devices { Interfaces = [nic] } } };

    private static bool CanPlug(Interface nic) => nic.Bridge is not null || nic.Sriov is not null || nic.Binding is not null;

    private static bool IsHotpluggable(Volume volume) => volume is { PersistentVolumeClaim.Hotpluggable: true } or { DataVolume.Hotpluggable: true };

    private static IReadOnlyList<Interface> Nics(VirtualMachineInstanceSpec spec) => spec.Domain?.Devices?.Interfaces ?? [];

    private static VirtualMachineInstanceSpec WithDevices(VirtualMachineInstanceSpec spec, Func<Devices, Devices> change)
    {
        var domain = spec.Domain ?? new DomainSpec();
        return spec with { Domain = domain with { Devices = change(domain.Devices ?? new Devices()) } };
    }

    private static bool Same(VirtualMachineInstanceSpec a, VirtualMachineInstanceSpec b) => LiveUpdate.Same(a, b);
}
