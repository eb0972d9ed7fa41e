using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Daemon;

/// <summary>The daemon's configuration files.</summary>
internal static class DaemonConfiguration
{
    private static readonly string[] DriverFolders = ["/usr/lib/x86_64-linux-gnu/libvirt/connection-driver", "/usr/lib/aarch64-linux-gnu/libvirt/connection-driver", "/usr/lib64/libvirt/connection-driver"];

    public static void Write(LibvirtDaemonOptions options)
    {
        foreach (var folder in new[] { options.Run, options.Config, options.Log, options.Lib, options.Drivers })
            Directory.CreateDirectory(folder);
        KeepStateWithTheGuests(options);
        File.WriteAllText($"{options.Config}/libvirtd.conf", $"""
            auth_unix_rw = "none"
            unix_sock_rw_perms = "0700"
            host_uuid = "{Guid.NewGuid()}"
            log_outputs = "3:stderr"
            min_workers = 2
            max_workers = 8
            prio_workers = 2
            admin_min_workers = 1
            admin_max_workers = 1
            keepalive_interval = 5

            """);
        // No keepalive between the daemons of a migration: when their connection is to end is the launchers' decision, never libvirt's.
        File.WriteAllText($"{options.Config}/qemu.conf", """
            user = "root"
            group = "root"
            dynamic_ownership = 0
            remember_owner = 0
            security_driver = "none"
            namespaces = []
            cgroup_controllers = []
            stdio_handler = "file"
            max_core = 0
            seccomp_sandbox = 0
            swtpm_user = "root"
            swtpm_group = "root"
            keepalive_interval = -1

            """);
        // Only the QEMU driver: the monolithic daemon then is what virtqemud is, without the network, storage and device drivers.
        foreach (var source in DriverFolders.Select(f => $"{f}/libvirt_driver_qemu.so").Where(File.Exists))
        {
            File.Delete($"{options.Drivers}/libvirt_driver_qemu.so");
            File.CreateSymbolicLink($"{options.Drivers}/libvirt_driver_qemu.so", source);
        }
    }

    /// <summary>UEFI variables and TPMs belong to the guest's state volume. libvirt makes no folder for the ones, and its folder for the others is fixed.</summary>
    private static void KeepStateWithTheGuests(LibvirtDaemonOptions options)
    {
        // Only a pod has the folder: whoever but asks for capabilities leaves the host as it is.
        if (!Directory.Exists(LauncherPaths.Private))
            return;
        Directory.CreateDirectory(LauncherPaths.Nvram);
        if (Path.Exists($"{options.Lib}/swtpm"))
            return;
        Directory.CreateDirectory(LauncherPaths.SwtpmState);
        Directory.CreateSymbolicLink($"{options.Lib}/swtpm", LauncherPaths.SwtpmState);
    }

    /// <summary>The QEMU driver looks these names up before it reads its configuration, and does not start without them.</summary>
    public static void NameUsers()
    {
        Add("/etc/group", "kvm", "kvm:x:36:");
        Add("/etc/group", "libvirt-qemu", "libvirt-qemu:x:64055:");
        Add("/etc/passwd", "libvirt-qemu", "libvirt-qemu:x:107:36::/var/lib/libvirt:/usr/sbin/nologin");

        static void Add(string file, string name, string line)
        {
            if (!File.Exists(file) || !File.ReadLines(file).Any(l => l.StartsWith(name + ":", StringComparison.Ordinal)))
                File.AppendAllText(file, line + "\n");
        }
    }

    /// <summary>libvirt resolves its own host name at every migration phase; one that only DNS could know would cost seconds each time.</summary>
    public static void NameThisHost()
    {
        var name = Environment.MachineName;
        var hosts = File.Exists("/etc/hosts") ? File.ReadAllText("/etc/hosts") : "";
        if (!hosts.Split([' ', '\t', '\n']).Contains(name))
            File.AppendAllText("/etc/hosts", $"\n127.0.1.1 {name}\n");
    }
}
