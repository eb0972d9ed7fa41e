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
    public const string ProbeSocketName = "probe-sock";

    /// <summary>Beside the socket: what a source launcher leaves behind should it die in a migration.</summary>
    public const string LastWordName = "last-word";
    public const string SerialName = "virt-serial0";
    public const string VncName = "virt-vnc";

    /// <summary>What Multus gave the pod, told by an annotation of its.</summary>
    public const string PodInfo = "/etc/podinfo";
    public const string NetworkInfoName = "network-info";
    public const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Where volumes appear that are plugged into a running guest: <c>NAME.img</c>, or <c>NAME</c> for a block device.</summary>
    public const string HotplugDisks = Public + "/hotplug-disks";

    /// <summary>In a pod that brings a volume: the emptyDir with its socket, by which the node agent finds the process that has the volume.</summary>
    public const string AttachmentSockets = "/path";
    public const string AttachmentSocketName = "hp.sock";

    /// <summary>Name of the emptyDir volume of <see cref="HotplugDisks"/> and of <see cref="AttachmentSockets"/>.</summary>
    public const string HotplugDisksVolume = "hotplug-disks";

    /// <summary>UEFI variables; kept in the guest's state volume where it has one.</summary>
    public const string Nvram = Private + "/libvirt/qemu/nvram";
    public const string SwtpmState = Private + "/libvirt/qemu/swtpm";
    /// <summary>What the guest's Ignition reads, where the VMI brings it.</summary>
    public const string Ignition = Private + "/ignition/data.ign";
    public const string DownwardMetricsChannel = Private + "/downwardmetrics-channel/downwardmetrics.sock";
    public const string PersistentReservations = Public + "/daemons/pr/pr-helper.sock";

    /// <summary>USB devices that clients can bring at the same time.</summary>
    public const int UsbRedirectionSlots = 4;

    public static string ContainerDisk(int index) => $"{ImageVolumes}/disk_{index}";

    public static string HostDisk(string volume) => $"{Private}/vmi-disks/{volume}";

    /// <summary>A claim's disk, where its volumeMode is Filesystem.</summary>
    public static string ClaimImage(string volume) => $"{HostDisk(volume)}/disk.img";

    /// <summary>The same of a claim that is plugged in.</summary>
    public static string PluggedImage(string volume) => $"{HotplugDisks}/{volume}.img";

    /// <summary>Device of a plugged claim whose volumeMode is Block.</summary>
    public static string PluggedDevice(string volume) => $"{HotplugDisks}/{volume}";

    /// <summary>In a pod that brings a volume: the volume's folder, or its device.</summary>
    public static string AttachedVolume(string volume) => $"/volumes/{volume}";

    public static string UsbRedirectionName(int slot) => $"virt-usbredir-{slot}";

    /// <summary>Device of a claim whose volumeMode is Block.</summary>
    public static string BlockDevice(string volume) => $"/dev/{volume}";

    public static string ConfigMapVolume(string volume) => $"{Private}/config-map/{volume}";

    public static string DownwardApiVolume(string volume) => $"{Private}/downwardapi/{volume}";

    public static string SysprepVolume(string volume) => $"{Private}/sysprep/{volume}";

    /// <summary>A secret that an access credential names.</summary>
    public static string AccessCredential(string secret) => SecretVolume($"{secret}-access-cred");

    public static string SecretVolume(string volume) => $"{Private}/secret/{volume}";

    public static string DomainFolder(string vmiUid) => $"{Private}/{vmiUid}";
}
