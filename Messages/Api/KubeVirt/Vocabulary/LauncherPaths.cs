namespace Troupe.Messages.Api.KubeVirt.Vocabulary;

/// <summary>Where things are inside of a launcher pod: the pod's renderer mounts them, launcher and node agent find them.</summary>
public static class LauncherPaths
{
    public const string Private = "/var/run/kubevirt-private";
    public const string Public = "/var/run/kubevirt";
    public const string Sockets = "/var/run/kubevirt/sockets";
    public const string LibvirtRuntime = "/var/run/libvirt";
    public const string EphemeralDisks = "/var/run/kubevirt-ephemeral-disks";
    public const string ImageVolumes = "/var/run/kubevirt-image-volume";
    public const string KernelBoot = ImageVolumes + "/kernel-boot";
    public const string SocketName = "launcher-sock";
    public const string SerialName = "virt-serial0";
    public const string VncName = "virt-vnc";

    public static string ContainerDisk(int index) => $"{ImageVolumes}/disk_{index}";

    public static string HostDisk(string volume) => $"{Private}/vmi-disks/{volume}";

    public static string SecretVolume(string volume) => $"{Private}/secret/{volume}";

    public static string DomainFolder(string vmiUid) => $"{Private}/{vmiUid}";
}
