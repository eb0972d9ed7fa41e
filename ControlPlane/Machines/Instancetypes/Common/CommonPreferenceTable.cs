namespace Troupe.ControlPlane.Machines.Instancetypes.Common;

/// <summary>What a guest system likes beside a disk bus and a NIC model.</summary>
[Flags]
internal enum Trait
{
    None = 0,
    Rng = 1 << 0,
    IoThread = 1 << 1,
    Input = 1 << 2,
    Tablet = 1 << 3,
    Dpdk = 1 << 4,
    Realtime = 1 << 5,
    Tpm = 1 << 6,
    Video = 1 << 7,
    Transitional = 1 << 8,
    Efi = 1 << 9,
    SecureBoot = 1 << 10,
    PersistentEfi = 1 << 11,
    Smm = 1 << 12,
    NoPciHole = 1 << 13,
}

/// <param name="Architecture">Required; empty for any.</param>
/// <param name="Memory">The least the guest needs; empty for no requirement.</param>
/// <param name="Cpus">The least the guest needs; 0 for no requirement.</param>
internal sealed record CommonPreferenceRow(
    string Name, string DisplayName, string OsType, string Icon, string Tags, string DiskBus, string NicModel, string Architecture, string Memory, int Cpus, Trait Traits);

/// <summary>The preferences that ship with the product, a line each; names and values are those that KubeVirt users know.</summary>
internal static class CommonPreferenceTable
{
    public static readonly IReadOnlyList<CommonPreferenceRow> Rows =
    [
        new("alpine", "Alpine", "linux", "alpine", "alpine", "virtio", "virtio", "", "512Mi", 1, Trait.Rng),
        new("centos.stream10", "CentOS Stream 10", "linux", "centos", "linux,centos-stream", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("centos.stream10.desktop", "CentOS Stream 10", "linux", "centos", "linux,centos-stream", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng | Trait.IoThread | Trait.Tablet),
        new("centos.stream9", "CentOS Stream 9", "linux", "centos", "linux,centos-stream", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("centos.stream9.desktop", "CentOS Stream 9", "linux", "centos", "linux,centos-stream", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng | Trait.IoThread | Trait.Tablet),
        new("centos.stream9.dpdk", "CentOS Stream 9", "linux", "centos", "linux,centos-stream,dpdk", "virtio", "virtio", "", "1.5Gi", 8, Trait.Rng | Trait.IoThread | Trait.Dpdk),
        new("cirros", "Cirros", "linux", "cirros", "cirros", "virtio", "virtio", "", "256Mi", 1, Trait.Rng),
        new("debian", "Debian", "linux", "debian", "debian", "virtio", "virtio", "", "512Mi", 1, Trait.Rng | Trait.Efi),
        new("fedora", "Fedora (amd64)", "linux", "fedora", "fedora", "virtio", "virtio", "amd64", "2Gi", 1, Trait.Rng | Trait.SecureBoot | Trait.Smm),
        new("fedora.arm64", "Fedora (arm64)", "linux", "fedora", "fedora", "virtio", "virtio", "arm64", "2Gi", 1, Trait.Rng),
        new("fedora.s390x", "Fedora (s390x)", "linux", "fedora", "fedora", "virtio", "virtio", "s390x", "2Gi", 1, Trait.Rng),
        new("legacy", "Legacy Guest", "legacy", "other", "legacy", "sata", "e1000", "", "", 0, Trait.None),
        new("linux", "Linux Guest", "linux", "linux", "linux", "virtio", "virtio", "", "", 0, Trait.Rng),
        new("linux.efi", "Linux EFI Guest", "linux", "linux", "linux-efi", "virtio", "virtio", "", "", 0, Trait.Rng | Trait.Efi),
        new("linux.virtiotransitional", "Linux Virtio Transitional Guest", "linux", "linux", "linux-virtio-transitional", "virtio", "virtio", "", "", 0, Trait.Rng | Trait.Transitional),
        new("opensuse.leap", "OpenSUSE Leap", "linux", "opensuse-leap", "opensuse.leap", "virtio", "virtio", "", "2Gi", 1, Trait.Rng),
        new("opensuse.tumbleweed", "OpenSUSE Tumbleweed", "linux", "opensuse-tumbleweed", "opensuse.tumbleweed", "virtio", "virtio", "", "2Gi", 1, Trait.Rng),
        new("oraclelinux", "Oracle Linux", "linux", "oracle", "oraclelinux", "virtio", "virtio", "", "4Gi", 2, Trait.Rng | Trait.Efi),
        new("rhel.10", "Red Hat Enterprise Linux 10 (amd64)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "amd64", "1.5Gi", 1, Trait.Rng | Trait.IoThread | Trait.SecureBoot | Trait.Smm),
        new("rhel.10.arm64", "Red Hat Enterprise Linux 10 (arm64)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "arm64", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("rhel.10.s390x", "Red Hat Enterprise Linux 10 (s390x)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "s390x", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("rhel.7", "Red Hat Enterprise Linux 7", "linux", "rhel", "linux,rhel", "virtio", "virtio", "", "1Gi", 1, Trait.Rng),
        new("rhel.7.desktop", "Red Hat Enterprise Linux 7", "linux", "rhel", "linux,rhel", "virtio", "virtio", "", "1Gi", 1, Trait.Rng | Trait.Tablet),
        new("rhel.8", "Red Hat Enterprise Linux 8", "linux", "rhel", "linux,rhel", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng),
        new("rhel.8.desktop", "Red Hat Enterprise Linux 8", "linux", "rhel", "linux,rhel", "virtio", "virtio", "", "1.5Gi", 1, Trait.Rng | Trait.Tablet),
        new("rhel.8.dpdk", "Red Hat Enterprise Linux 8", "linux", "rhel", "linux,rhel,dpdk", "virtio", "virtio", "", "1.5Gi", 8, Trait.Rng | Trait.Dpdk),
        new("rhel.9", "Red Hat Enterprise Linux 9 (amd64)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "amd64", "1.5Gi", 1, Trait.Rng | Trait.IoThread | Trait.SecureBoot | Trait.Smm),
        new("rhel.9.arm64", "Red Hat Enterprise Linux 9 (arm64)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "arm64", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("rhel.9.desktop", "Red Hat Enterprise Linux 9 Desktop (amd64)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "amd64", "1.5Gi", 1, Trait.Rng | Trait.IoThread | Trait.Tablet | Trait.SecureBoot | Trait.Smm),
        new("rhel.9.dpdk", "Red Hat Enterprise Linux 9 DPDK (amd64)", "linux", "rhel", "linux,rhel,dpdk", "virtio", "virtio", "amd64", "1.5Gi", 8, Trait.Rng | Trait.IoThread | Trait.Dpdk | Trait.SecureBoot | Trait.Smm),
        new("rhel.9.realtime", "Red Hat Enterprise Linux 9 Realtime (amd64)", "linux", "rhel", "linux,rhel,realtime", "virtio", "virtio", "amd64", "4Gi", 4, Trait.Rng | Trait.IoThread | Trait.Realtime | Trait.SecureBoot | Trait.Smm),
        new("rhel.9.s390x", "Red Hat Enterprise Linux 9 (s390x)", "linux", "rhel", "linux,rhel", "virtio", "virtio", "s390x", "1.5Gi", 1, Trait.Rng | Trait.IoThread),
        new("sles", "SUSE Linux Enterprise Server", "linux", "sles", "sles", "virtio", "virtio", "", "2Gi", 1, Trait.Rng),
        new("ubuntu", "Ubuntu", "linux", "ubuntu", "ubuntu", "virtio", "virtio", "", "2Gi", 1, Trait.Rng),
        new("windows.10", "Microsoft Windows 10", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input | Trait.SecureBoot | Trait.Smm),
        new("windows.10.virtio", "Microsoft Windows 10 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Video | Trait.SecureBoot | Trait.Smm),
        new("windows.11", "Microsoft Windows 11", "windows", "windows", "windows", "sata", "e1000e", "", "4Gi", 2, Trait.Input | Trait.Tpm | Trait.PersistentEfi | Trait.Smm),
        new("windows.11.virtio", "Microsoft Windows 11 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "4Gi", 2, Trait.Tablet | Trait.Tpm | Trait.Video | Trait.PersistentEfi | Trait.Smm),
        new("windows.2k12", "Microsoft Windows Server 2012/2012 R2", "windows", "windows", "windows", "sata", "e1000e", "", "512Mi", 1, Trait.Input),
        new("windows.2k12.virtio", "Microsoft Windows Server 2012/2012 R2 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "512Mi", 1, Trait.Tablet | Trait.Video),
        new("windows.2k16", "Microsoft Windows Server 2016", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input | Trait.SecureBoot | Trait.Smm),
        new("windows.2k16.virtio", "Microsoft Windows Server 2016 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Video | Trait.SecureBoot | Trait.Smm),
        new("windows.2k19", "Microsoft Windows Server 2019", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input | Trait.SecureBoot | Trait.Smm),
        new("windows.2k19.virtio", "Microsoft Windows Server 2019 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Video | Trait.SecureBoot | Trait.Smm),
        new("windows.2k22", "Microsoft Windows Server 2022", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input | Trait.Tpm | Trait.PersistentEfi | Trait.Smm),
        new("windows.2k22.virtio", "Microsoft Windows Server 2022 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Tpm | Trait.Video | Trait.PersistentEfi | Trait.Smm),
        new("windows.2k25", "Microsoft Windows Server 2025", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input | Trait.Tpm | Trait.PersistentEfi | Trait.Smm),
        new("windows.2k25.virtio", "Microsoft Windows Server 2025 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Tpm | Trait.Video | Trait.PersistentEfi | Trait.Smm),
        new("windows.2k3", "Microsoft Windows Server 2003", "windows", "windows", "windows", "sata", "rtl8139", "", "256Mi", 1, Trait.Input | Trait.NoPciHole),
        new("windows.2k8", "Microsoft Windows Server 2008/2008 R2", "windows", "windows", "windows", "sata", "e1000", "", "512Mi", 1, Trait.Input),
        new("windows.2k8.virtio", "Microsoft Windows Server 2008/2008 R2 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "512Mi", 1, Trait.Tablet | Trait.Video),
        new("windows.7", "Microsoft Windows 7", "windows", "windows", "windows", "sata", "e1000e", "", "2Gi", 1, Trait.Input),
        new("windows.7.virtio", "Microsoft Windows 7 (virtio)", "windows", "windows", "windows", "virtio", "virtio", "", "2Gi", 1, Trait.Tablet | Trait.Video),
        new("windows.xp", "Microsoft Windows XP", "windows", "windows", "windows", "sata", "e1000e", "", "128Mi", 1, Trait.Input | Trait.NoPciHole),
    ];
}
