using System.Diagnostics;
using System.Xml.Linq;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>A private libvirtd, configured as a launcher configures its own, in folders of its own.</summary>
internal sealed class BareDaemon : IAsyncDisposable
{
    private readonly Process _process;

    public BareDaemon(string name)
    {
        Root = Directory.CreateTempSubdirectory($"trp-bare-{name}-").FullName;
        foreach (var directory in new[] { "run", "lib", "etc", "log", "drivers" })
            Directory.CreateDirectory(Path.Combine(Root, directory));
        File.CreateSymbolicLink(Path.Combine(Root, "drivers/libvirt_driver_qemu.so"), "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so");
        File.WriteAllText(Path.Combine(Root, "etc/libvirtd.conf"), $"auth_unix_rw = \"none\"\nhost_uuid = \"{Guid.NewGuid()}\"\nadmin_max_workers = 1\n");
        File.WriteAllText(Path.Combine(Root, "etc/qemu.conf"), """
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
        // The QEMU driver looks these names up before it reads its configuration; Debian's package for them is one that Troupe does not need.
        File.WriteAllText(Path.Combine(Root, "group"), File.ReadAllText("/etc/group") + "kvm:x:36:\nlibvirt-qemu:x:64055:\n");
        File.WriteAllText(Path.Combine(Root, "passwd"), File.ReadAllText("/etc/passwd") + "libvirt-qemu:x:64055:36::/var/lib/libvirt:/usr/sbin/nologin\n");
        // Without its own name there, libvirt waits for DNS in every phase of a migration.
        File.WriteAllText(Path.Combine(Root, "hosts"), $"127.0.0.1 localhost\n127.0.1.1 {Environment.MachineName}\n");
        // A PID namespace, because libvirt waits until a dead QEMU is reaped and this machine's init is slow at it.
        var script = $"""
            mkdir -p /run/libvirt /var/lib/libvirt /etc/libvirt /var/log/libvirt
            mount --bind {Root}/run /run/libvirt; mount --bind {Root}/lib /var/lib/libvirt
            mount --bind {Root}/etc /etc/libvirt; mount --bind {Root}/log /var/log/libvirt
            mount --bind {Root}/passwd /etc/passwd; mount --bind {Root}/group /etc/group; mount --bind {Root}/hosts /etc/hosts
            export LIBVIRT_DRIVER_DIR={Root}/drivers
            /usr/sbin/libvirtd -f {Root}/etc/libvirtd.conf -p {Root}/run/libvirtd.pid & wait
            """;
        _process = Shell.Start("unshare", ["-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", script]);
    }

    public string Root { get; }

    public string Uri => $"qemu+unix:///system?socket={Root}/run/libvirt-sock";

    public Task WaitUsable() => Eventually.True("bare libvirtd", async () =>
        _process.HasExited ? throw new InvalidOperationException($"libvirtd ended with {_process.ExitCode}") : (await Virsh("version")).ExitCode == 0);

    public Task<ShellResult> Virsh(params string[] args) => Shell.RunAsync("virsh", ["-q", "-c", Uri, .. args], timeout: TimeSpan.FromMinutes(5));

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        Directory.Delete(Root, recursive: true);
    }

    /// <summary>The launcher's XML made fit for this host, but for its interfaces.</summary>
    /// <param name="folder">Where the domain's sockets go, as the daemon sees it.</param>
    public static XDocument Adapt(string launcherXml, string guestDirectory, string folder)
    {
        var domain = XDocument.Parse(launcherXml);
        var root = domain.Root!;
        root.Element("os")!.Element("kernel")?.SetValue(Path.Combine(guestDirectory, "vmlinuz"));
        root.Element("os")!.Element("initrd")?.SetValue(Path.Combine(guestDirectory, "initrd.gz"));
        root.SetAttributeValue("id", null);
        root.Descendants("seclabel").Remove();
        foreach (var source in root.Descendants("source").Where(s => s.Attribute("path") is not null))
            source.SetAttributeValue("path", Path.Combine(folder, Path.GetFileName(source.Attribute("path")!.Value)));
        foreach (var socket in root.Descendants().Attributes("socket"))
            socket.Value = Path.Combine(folder, "vnc");
        root.Descendants("log").Remove();
        return domain;
    }
}
