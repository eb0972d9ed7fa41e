using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>Volumes that the addvolume and removevolume subresources asked for, in `status.volumeRequests`.</summary>
public static class VolumeRequests
{
    /// <returns>The template's spec with the requests carried out; the same object when they already are.</returns>
    public static VirtualMachineInstanceSpec Apply(VirtualMachineInstanceSpec spec, IReadOnlyList<VirtualMachineVolumeRequest>? requests) =>
        (requests ?? []).Aggregate(spec, (s, r) => r switch
        {
            { AddVolumeOptions: { Name: { } name } add } when s.Volumes?.Any(v => v.Name == name) is not true => Add(s, add),
            { RemoveVolumeOptions.Name: { } name } when s.Volumes?.Any(v => v.Name == name) is true => Remove(s, name),
            _ => s,
        });

    private static VirtualMachineInstanceSpec Add(VirtualMachineInstanceSpec spec, AddVolumeOptions options)
    {
        var source = options.VolumeSource;
        var volume = new Volume
        {
            Name = options.Name,
            PersistentVolumeClaim = source?.PersistentVolumeClaim is { } claim ? claim with { Hotpluggable = true } : null,
            DataVolume = source?.DataVolume is { } dataVolume ? dataVolume with { Hotpluggable = true } : null,
        };
        var disk = (options.Disk ?? new Disk { DiskValue = new DiskTarget { Bus = "scsi" } }) with { Name = options.Name };
        return WithDisks(spec with { Volumes = [.. spec.Volumes ?? [], volume] }, disks => [.. disks.Where(d => d.Name != options.Name), disk]);
    }

    private static VirtualMachineInstanceSpec Remove(VirtualMachineInstanceSpec spec, string name) =>
        WithDisks(spec with { Volumes = [.. spec.Volumes!.Where(v => v.Name != name)] }, disks => disks.Where(d => d.Name != name));

    private static VirtualMachineInstanceSpec WithDisks(VirtualMachineInstanceSpec spec, Func<IReadOnlyList<Disk>, IEnumerable<Disk>> change)
    {
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        return spec with { Domain = domain with { Devices = devices with { Disks = [.. change(devices.Disks ?? [])] } } };
    }
}
