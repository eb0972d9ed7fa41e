using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Devices that a machine gets without naming them, put in before its preference decides on their models.</summary>
internal static class AutoattachDefaults
{
    public static VirtualMachineInstanceSpec BeforePreference(VirtualMachineInstanceSpec spec, VirtualMachinePreferenceSpec? preference)
    {
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        if ((devices.AutoattachInputDevice ?? preference?.Devices?.PreferredAutoattachInputDevice) is true && devices.Inputs is not { Count: > 0 })
            devices = devices with { Inputs = [new Input { Name = "default-0" }] };
        var named = (devices.Disks ?? []).Select(d => d.Name).Concat((devices.Filesystems ?? []).Select(f => f.Name)).ToHashSet();
        var unnamed = (spec.Volumes ?? []).Where(v => v.MemoryDump is null && !named.Contains(v.Name)).Select(v => new Disk { Name = v.Name, DiskValue = new DiskTarget() }).ToList();
        // Only a preference can say more of them than the instance's own defaults do.
        if (preference is not null && unnamed.Count > 0)
            devices = devices with { Disks = [.. devices.Disks ?? [], .. unnamed] };
        var attaches = (devices.AutoattachPodInterface ?? preference?.Devices?.PreferredAutoattachPodInterface) is not false;
        if (preference is not null && attaches && devices.Interfaces is not { Count: > 0 } && spec.Networks is not { Count: > 0 })
        {
            var nic = new Interface { Name = "default" };
            // The cluster's default binding is chosen where the instance is admitted, unless the preference has one.
            if (preference.Devices?.PreferredInterfaceMasquerade is { } masquerade)
                nic = nic with { Masquerade = masquerade };
            if (nic.Masquerade is not null)
                (devices, spec) = (devices with { Interfaces = [nic] }, spec with { Networks = [new Network { Name = "default", Pod = new PodNetwork() }] });
        }

        return spec with { Domain = domain with { Devices = devices } };
    }
}
