namespace Troupe.Launcher.Daemon;

/// <summary>Where a private libvirt daemon keeps its things.</summary>
/// <param name="Root">Prefix for all of its folders: empty inside of a pod, where the file system is the launcher's own.</param>
public sealed record LibvirtDaemonOptions(string Root = "")
{
    public string Run => Root + "/run/libvirt";
    public string Config => Root + "/etc/libvirt";
    public string Log => Root + "/var/log/libvirt";
    public string Lib => Root + "/var/lib/libvirt";
    /// <summary>What the QEMU driver found out about QEMU binaries.</summary>
    public string Probes => Root + "/var/cache/libvirt/qemu/capabilities";
    public string Drivers => Root + "/run/troupe-libvirt-drivers";
    public string QemuLog(string domain) => $"{Log}/qemu/{domain}.log";
    public string Socket => $"{Run}/libvirt-sock";
    public string Uri => $"qemu+unix:///system?socket={Socket}";
}
