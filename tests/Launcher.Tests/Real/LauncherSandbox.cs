using System.Diagnostics;
using System.Net.Sockets;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;

namespace Troupe.Launcher.Tests.Real;

/// <summary>
/// A virt-launcher process in namespaces of its own, as a pod would give it: mounts, PIDs, host name and network. All that it writes is
/// below one temporary folder, and it ends with everything under it when this is disposed.
/// </summary>
internal sealed class LauncherSandbox : IAsyncDisposable
{
    public const string Name = "demo";
    public const string Namespace = "default";
    public const string Bridge = "k6t-eth0";
    private const string Script = """
        exec >"$0/launcher.log" 2>&1
        root=$0 guest=$1 launcher=$2 uid=$3
        mount -t tmpfs tmpfs /run
        for d in etc/libvirt var/lib/libvirt var/log/libvirt var/cache/libvirt var/lib/swtpm-localca run/kubevirt-private run/kubevirt-ephemeral-disks run/kubevirt/sockets; do
          mkdir -p "$root/$d" "/$d" && mount --bind "$root/$d" "/$d" || exit 1
        done
        mkdir -p /run/kubevirt-image-volume/kernel-boot && mount --bind "$guest" /run/kubevirt-image-volume/kernel-boot || exit 1
        for f in passwd group hosts; do cp "/etc/$f" "$root/$f" && mount --bind "$root/$f" "/etc/$f" || exit 1; done
        ip link set lo up
        ip link add k6t-eth0 type bridge forward_delay 0 stp_state 0 && ip addr add 10.0.2.1/24 dev k6t-eth0 && ip link set k6t-eth0 up
        for tap in tap0 tap1; do ip tuntap add dev $tap mode tap vnet_hdr && ip link set $tap master k6t-eth0 up; done
        ip link add eth0 type veth peer name wire && ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up && ip link set wire up && ip route add default via 192.0.2.1
        echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start; echo 107 107 >/proc/sys/net/ipv4/ping_group_range
        shift 3
        exec "$launcher" --name demo --namespace default --uid "$uid" --grace-period-seconds 0 "$@"
        """;

    private readonly Process _process;

    private LauncherSandbox(string root, Process process)
    {
        (Root, _process) = (root, process);
    }

    public static string Uid => "6a36fa53-7078-44ec-9010-bfdbff93ad0a";

    /// <summary>The sandbox's <c>/</c>, as far as the launcher writes to it.</summary>
    public string Root { get; }

    public string Private => Path.Combine(Root, "run/kubevirt-private");

    public int ProcessId => _process.Id;

    public string Log => Path.Combine(Root, "launcher.log");

    public Task Ended => _process.WaitForExitAsync();

    public int ExitCode => _process.ExitCode;

    /// <param name="arguments">More of the launcher's.</param>
    public static async Task<LauncherSandbox> StartAsync(params string[] arguments)
    {
        var guest = await DemoGuest.FolderAsync();
        var root = Directory.CreateTempSubdirectory("troupe-launcher-").FullName;
        var start = new ProcessStartInfo("unshare",
            ["--mount", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", Script,
                root, guest, Path.Combine(AppContext.BaseDirectory, "virt-launcher"), Uid, .. arguments])
        { UseShellExecute = false };
        return new LauncherSandbox(root, Process.Start(start)!);
    }

    public async Task<LauncherConnection> ConnectAsync(Action<DomainObservation> changed, Action closed, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                var socket = await LongPathSocket.ConnectAsync(Path.Combine(Root, "run/kubevirt/sockets"), "launcher-sock", ct);
                return new LauncherConnection(socket, changed, closed);
            }
            catch (Exception e) when (e is SocketException or IOException && !_process.HasExited)
            {
                await Task.Delay(20, ct);
            }
        }
    }

    /// <summary>A wire between two pods.</summary>
    /// <param name="name">Of its end in each of them.</param>
    /// <returns>The address of the second.</returns>
    public static async Task<string> LinkAsync(LauncherSandbox one, LauncherSandbox other, string name = "link0")
    {
        const string Address = "10.99.0.2";
        await Run("ip", "link", "add", name, "netns", $"{one.ProcessId}", "type", "veth", "peer", "name", name, "netns", $"{other.ProcessId}");
        foreach (var (pid, address) in new[] { (one.ProcessId, "10.99.0.1"), (other.ProcessId, Address) })
        {
            await Run("nsenter", "-t", $"{pid}", "-n", "ip", "addr", "add", $"{address}/24", "dev", name);
            await Run("nsenter", "-t", $"{pid}", "-n", "ip", "link", "set", name, "up");
        }

        return Address;
    }

    /// <summary>Lets nothing through any more on the wire to the other pod.</summary>
    public static Task CutAsync(LauncherSandbox sandbox, string name = "link0") => Run("nsenter", "-t", $"{sandbox.ProcessId}", "-n", "ip", "link", "set", name, "down");

    private static async Task Run(string program, params string[] args)
    {
        using var process = Process.Start(program, args);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', args)} ended with {process.ExitCode}");
    }

    /// <summary>kill -9 of the launcher, which is the first process of its PID namespace.</summary>
    public void KillLauncher() => LauncherProcesses().Single().Kill();

    /// <summary>The launcher itself, not what it started.</summary>
    private IEnumerable<Process> LauncherProcesses() => Process.GetProcessesByName("virt-launcher").Where(p => File.ReadAllText($"/proc/{p.Id}/stat").Split(')')[1].Split(' ')[2] == $"{_process.Id}");

    /// <summary>Lets nothing come from the peer's migration port but acknowledgements and libvirt's keepalive, which is 102 bytes.</summary>
    public Task MutePeerAsync() => Run("nsenter", "-t", $"{ProcessId}", "-n", "nft", "add table inet mute; add chain inet mute in { type filter hook input priority 0 ; }; add rule inet mute in tcp sport 49152 meta length > 110 drop");

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Root, recursive: true);
    }
}
