using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Troupe.EndToEnd.Harness;

namespace Troupe.Benchmarks;

/// <summary>
/// Live migration without Troupe: two private libvirtds on this host, each with its own /run/libvirt, so that one path is a file of its
/// own in each of them as it is in pods; and a bridge that both guests' interfaces are on, so that a TCP peer on the host stays connected.
/// </summary>
internal sealed class BareMigration : IAsyncDisposable
{
    private const string HostAddress = "10.123.77.1";
    public const string GuestAddress = "10.123.77.2";
    private readonly string _bridge = $"trpb{Environment.ProcessId}";
    private readonly Daemon[] _daemons;
    private int _at;

    private BareMigration() => _daemons = [new Daemon("a"), new Daemon("b")];

    public static async Task<BareMigration> StartAsync(string launcherXml, string guestDirectory)
    {
        var pair = new BareMigration();
        try
        {
            foreach (var command in new[] { $"link add {pair._bridge} type bridge forward_delay 0 stp_state 0", $"addr add {HostAddress}/24 dev {pair._bridge}", $"link set {pair._bridge} up" })
                (await Shell.RunAsync("ip", command.Split(' '))).Require();
            foreach (var daemon in pair._daemons)
                await daemon.WaitUsable();
            var file = Path.Combine(pair._daemons[0].Root, "domain.xml");
            pair.Adapt(launcherXml, guestDirectory).Save(file);
            (await pair._daemons[0].Virsh("create", file)).Require();
            await Eventually.True("the bare guest's agent", async () => (await pair._daemons[0].Virsh("qemu-agent-command", pair.Domain, """{"execute":"guest-ping"}""")).ExitCode == 0);
            await pair.InGuest("ip", "addr", "add", $"{GuestAddress}/24", "dev", "eth0");
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    private string Domain { get; set; } = "";

    public Task InGuest(string program, params string[] args) => GuestExec.RunAsync(command => _daemons[_at].Virsh("qemu-agent-command", Domain, command), program, args);

    /// <returns>What `virsh migrate --live --p2p` took.</returns>
    public async Task<TimeSpan> Migrate()
    {
        var (from, to) = (_daemons[_at], _daemons[1 - _at]);
        var watch = Stopwatch.StartNew();
        (await from.Virsh("migrate", "--live", "--p2p", Domain, to.Uri, "--migrateuri", $"unix://{to.Root}/memory.sock")).Require();
        var took = watch.Elapsed;
        _at = 1 - _at;
        return took;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in _daemons)
            await daemon.DisposeAsync();
        await Shell.RunAsync("ip", ["link", "del", _bridge]);
    }

    /// <summary>The launcher's XML made fit for this host: other paths, and a bridge instead of the pod's tap.</summary>
    private XDocument Adapt(string launcherXml, string guestDirectory)
    {
        var domain = XDocument.Parse(launcherXml);
        var root = domain.Root!;
        Domain = root.Element("name")!.Value;
        root.Element("os")!.Element("kernel")?.SetValue(Path.Combine(guestDirectory, "vmlinuz"));
        root.Element("os")!.Element("initrd")?.SetValue(Path.Combine(guestDirectory, "initrd.gz"));
        root.SetAttributeValue("id", null);
        foreach (var nic in root.Descendants("interface"))
        {
            nic.SetAttributeValue("type", "bridge");
            nic.Element("target")?.Remove();
            nic.Element("source")?.Remove();
            nic.AddFirst(new XElement("source", new XAttribute("bridge", _bridge)));
        }

        root.Descendants("seclabel").Remove();
        foreach (var source in root.Descendants("source").Where(s => s.Attribute("path") is not null))
            source.SetAttributeValue("path", $"/run/libvirt/{Path.GetFileName(source.Attribute("path")!.Value)}");
        foreach (var socket in root.Descendants().Attributes("socket"))
            socket.Value = "/run/libvirt/vnc";
        root.Descendants("log").Remove();
        return domain;
    }

    private sealed class Daemon : IAsyncDisposable
    {
        private readonly Process _process;

        public Daemon(string name)
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
            File.WriteAllText(Path.Combine(Root, "group"), File.ReadAllText("/etc/group") + "kvm:x:36:\nlibvirt-qemu:x:64055:\n");
            File.WriteAllText(Path.Combine(Root, "passwd"), File.ReadAllText("/etc/passwd") + "libvirt-qemu:x:64055:36::/var/lib/libvirt:/usr/sbin/nologin\n");
            // Without its own name there, libvirt waits for DNS in every phase of a migration.
            File.WriteAllText(Path.Combine(Root, "hosts"), $"127.0.0.1 localhost\n127.0.1.1 {Environment.MachineName}\n");
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
    }
}

/// <summary>Programs in the guest, by its agent.</summary>
internal static class GuestExec
{
    public static async Task RunAsync(Func<string, Task<ShellResult>> agent, string program, IReadOnlyList<string> args)
    {
        var command = new JsonObject
        {
            ["execute"] = "guest-exec",
            ["arguments"] = new JsonObject { ["path"] = program, ["arg"] = new JsonArray([.. args.Select(a => (JsonNode)a)]) },
        };
        (await agent(command.ToJsonString())).Require();
    }
}
