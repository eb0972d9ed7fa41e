using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Disks with their volumes and NICs with their networks, as they are plugged into and pulled out of a running guest.</summary>
internal static class LiveDevices
{
    public static VirtualMachineInstanceSpec Apply(VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance) =>
        Interfaces(wanted, Volumes(wanted, instance));

    /// <summary>Whether every difference in devices between the two templates is one that a running guest can take.</summary>
    public static bool Covers(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance) =>
        Same(Fixed(started, wanted), Fixed(wanted, started)) && NicsCovered(started, wanted, instance);

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

    /// <summary>What was marked absent once does not come back before it is gone.</summary>
    private static VirtualMachineInstanceSpec Interfaces(VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance)
    {
        var after = Nics(wanted);
        var nics = Nics(instance).Select(n => n.State != GuestNics.Absent && after.FirstOrDefault(a => a.Name == n.Name) is { } a ? n with { State = a.State } : n).ToList();
        var added = after.Where(a => a.State != GuestNics.Absent && CanPlug(a, wanted) && nics.All(n => n.Name != a.Name)).ToList();
        nics.AddRange(added);
        var networks = (instance.Networks ?? []).Select(n => wanted.Networks?.FirstOrDefault(w => w.Name == n.Name) is { Multus: { } multus } && n.Multus is not null ? n with { Multus = multus } : n).ToList();
        networks.AddRange((wanted.Networks ?? []).Where(w => added.Any(a => a.Name == w.Name) && networks.All(n => n.Name != w.Name)));
        return WithDevices(instance with { Networks = instance.Networks is null && networks.Count == 0 ? null : networks }, d => d with { Interfaces = d.Interfaces is null && nics.Count == 0 ? null : nics });
    }

    /// <summary>A spec without the absent interfaces of which nothing is left, and without their networks.</summary>
    /// <param name="isLeft">Whether there still is something of the interface of that name.</param>
    public static VirtualMachineInstanceSpec WithoutDetached(VirtualMachineInstanceSpec spec, Func<string?, bool> isLeft)
    {
        var gone = Nics(spec).Where(n => n.State == GuestNics.Absent && !isLeft(n.Name)).Select(n => n.Name).ToHashSet();
        return gone.Count == 0 ? spec : WithDevices(spec with { Networks = spec.Networks is null ? null : [.. spec.Networks.Where(n => !gone.Contains(n.Name))] },
            d => d with { Interfaces = [.. Nics(spec).Where(n => !gone.Contains(n.Name))] });
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
    private static bool NicsCovered(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance)
    {
        var (before, after, now) = (Nics(started), Nics(wanted), Nics(instance));
        return before.Concat(after).Concat(now).Select(n => n.Name).Distinct().All(name =>
                (after.FirstOrDefault(n => n.Name == name), now.FirstOrDefault(n => n.Name == name), before.FirstOrDefault(n => n.Name == name)) switch
                {
                    // It is gone, or yet to come.
                    (null, null, _) => true,
                    ({ } a, null, _) => a.State == GuestNics.Absent || CanPlug(a, wanted),
                    // What the template never had was attached by default; but one that was plugged goes by being marked.
                    (null, { } n, var b) => n.State == GuestNics.Absent || (b is null && instance.Networks?.FirstOrDefault(w => w.Name == name)?.Multus is null),
                    ({ } a, { } n, var b) => SameBut(a, n) || (b is not null && SameBut(a, b)),
                })
            && (started.Networks ?? []).All(n => wanted.Networks?.FirstOrDefault(w => w.Name == n.Name) is { } w
                ? (n.Multus is null) == (w.Multus is null) && (n.Pod is null) == (w.Pod is null)
                : now.All(i => i.Name != n.Name || i.State == GuestNics.Absent));

        // In its state.
        static bool SameBut(Interface one, Interface other) => Same(Only(one with { State = null }), Only(other with { State = null }));
    }

    private static VirtualMachineInstanceSpec Only(Interface nic) => new() { Domain = new DomainSpec { Devices = new Devices { Interfaces = [nic] } } };

    /// <summary>A virtual function comes by a migration; the pod network is there once.</summary>
    private static bool CanPlug(Interface nic, VirtualMachineInstanceSpec wanted) =>
        (nic.Bridge is not null || nic.Sriov is not null) && wanted.Networks?.FirstOrDefault(n => n.Name == nic.Name) is { Multus: { Default: not true } };

    private static bool IsHotpluggable(Volume volume) => volume is { PersistentVolumeClaim.Hotpluggable: true } or { DataVolume.Hotpluggable: true };

    private static IReadOnlyList<Interface> Nics(VirtualMachineInstanceSpec spec) => spec.Domain?.Devices?.Interfaces ?? [];

    private static VirtualMachineInstanceSpec WithDevices(VirtualMachineInstanceSpec spec, Func<Devices, Devices> change)
    {
        var domain = spec.Domain ?? new DomainSpec();
        return spec with { Domain = domain with { Devices = change(domain.Devices ?? new Devices()) } };
    }

    private static bool Same(VirtualMachineInstanceSpec a, VirtualMachineInstanceSpec b) => LiveUpdate.Same(a, b);
}
