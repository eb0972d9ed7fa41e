using System.Diagnostics;
using System.Xml.Linq;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>
/// The same domain without Troupe: a private libvirtd, configured as a launcher configures its own, and `virsh create` of the XML
/// that a launcher made, with the pod's paths replaced by paths of this host.
/// </summary>
internal sealed class BareLibvirt : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("trp-bare-").FullName;
    private readonly Process _daemon;

    public BareLibvirt()
    {
        foreach (var directory in new[] { "run", "lib", "etc", "log", "drivers" })
            Directory.CreateDirectory(Path.Combine(_root, directory));
        File.CreateSymbolicLink(Path.Combine(_root, "drivers/libvirt_driver_qemu.so"), "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so");
        File.WriteAllText(Path.Combine(_root, "etc/libvirtd.conf"), $"""
            auth_unix_rw = "none"
            host_uuid = "{Guid.NewGuid()}"
            admin_max_workers = 1
            """);
        File.WriteAllText(Path.Combine(_root, "etc/qemu.conf"), """
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
            """);
        NameUsers();
        // A PID namespace, because libvirt waits until a dead QEMU is reaped and this machine's init is slow at it.
        var script = $"""
            mkdir -p /run/libvirt /var/lib/libvirt /etc/libvirt /var/log/libvirt
            mount --bind {_root}/run /run/libvirt; mount --bind {_root}/lib /var/lib/libvirt
            mount --bind {_root}/etc /etc/libvirt; mount --bind {_root}/log /var/log/libvirt
            mount --bind {_root}/passwd /etc/passwd; mount --bind {_root}/group /etc/group
            export LIBVIRT_DRIVER_DIR={_root}/drivers
            /usr/sbin/libvirtd -f {_root}/etc/libvirtd.conf & wait
            """;
        _daemon = Shell.Start("unshare", ["-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", script]);
    }

    /// <summary>The QEMU driver looks these names up before it reads its configuration; Debian's package for them is one that Troupe does not need.</summary>
    private void NameUsers()
    {
        File.WriteAllText(Path.Combine(_root, "group"), File.ReadAllText("/etc/group") + "kvm:x:36:\nlibvirt-qemu:x:64055:\n");
        File.WriteAllText(Path.Combine(_root, "passwd"), File.ReadAllText("/etc/passwd") + "libvirt-qemu:x:64055:36::/var/lib/libvirt:/usr/sbin/nologin\n");
    }

    public async Task WaitUsable() =>
        await Eventually.True("bare libvirtd", async () =>
            _daemon.HasExited ? throw new InvalidOperationException($"libvirtd ended with {_daemon.ExitCode}") : (await Virsh("version")).ExitCode == 0);

    public async Task<TimeSpan> Create(XDocument domain)
    {
        var file = Path.Combine(_root, "domain.xml");
        domain.Save(file);
        var watch = Stopwatch.StartNew();
        (await Virsh("create", file)).Require();
        return watch.Elapsed;
    }

    /// <summary>The launcher's XML made fit for this host.</summary>
    public XDocument Adapt(string launcherXml, string guestDirectory)
    {
        var domain = XDocument.Parse(launcherXml);
        var root = domain.Root!;
        root.Element("os")!.Element("kernel")?.SetValue(Path.Combine(guestDirectory, "vmlinuz"));
        root.Element("os")!.Element("initrd")?.SetValue(Path.Combine(guestDirectory, "initrd.gz"));
        root.SetAttributeValue("id", null);
        // Pods have their tap prepared outside of libvirt as well; here there is no pod to prepare it in.
        root.Descendants("interface").Remove();
        root.Descendants("seclabel").Remove();
        foreach (var source in root.Descendants("source").Where(s => s.Attribute("path") is not null))
            source.SetAttributeValue("path", Path.Combine(_root, Path.GetFileName(source.Attribute("path")!.Value)));
        foreach (var socket in root.Descendants().Attributes("socket"))
            socket.Value = Path.Combine(_root, "vnc");
        root.Descendants("log").Remove();
        return domain;
    }

    public async ValueTask DisposeAsync()
    {
        _daemon.Kill(entireProcessTree: true);
        await _daemon.WaitForExitAsync();
        Directory.Delete(_root, recursive: true);
    }

    private Task<ShellResult> Virsh(params string[] args) =>
        Shell.RunAsync("virsh", ["-q", "-c", $"qemu+unix:///system?socket={_root}/run/libvirt-sock", .. args]);
}
