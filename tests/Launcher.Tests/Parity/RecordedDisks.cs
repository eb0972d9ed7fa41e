using Troupe.Launcher.Converter;
using Troupe.Launcher.Disks;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Tests.Parity;

/// <summary>Disks and host as they were when KubeVirt's domains were recorded.</summary>
internal static class RecordedDisks
{
    public static HostFacts Host { get; } = new()
    {
        HasVhostNet = true,
        Cpus = [.. Enumerable.Range(0, 4096)],
        SecureUefi = new UefiImages("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"),
        Uefi = new UefiImages("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        HasSwtpm = true,
    };

    public static PreparedDisk Prepared(VirtualMachineInstance vmi, Volume volume, string target)
    {
        var name = volume.Name!;
        var images = vmi.Spec!.Volumes!.Where(v => v.ContainerDisk is not null).ToList();
        return volume switch
        {
            { ContainerDisk: not null } => new PreparedDisk(name, target, $"/var/run/kubevirt-ephemeral-disks/disk-data/{name}/disk.qcow2", "qcow2", $"/var/run/kubevirt/container-disks/disk_{images.IndexOf(volume)}.img", "qcow2"),
            { EmptyDisk: not null } => new PreparedDisk(name, target, $"/var/run/libvirt/empty-disks/{name}.qcow2", "qcow2"),
            { CloudInitNoCloud: not null } => new PreparedDisk(name, target, $"/var/run/libvirt/cloud-init-dir/default/{vmi.Metadata.Name}/noCloud.iso", "raw"),
            { CloudInitConfigDrive: not null } => new PreparedDisk(name, target, $"/var/run/libvirt/cloud-init-dir/default/{vmi.Metadata.Name}/configdrive.iso", "raw"),
            _ => new PreparedDisk(name, target, $"/var/run/kubevirt-private/vmi-disks/{name}/disk.img", "raw"),
        };
    }
}
