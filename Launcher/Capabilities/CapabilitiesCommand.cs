using System.Diagnostics;
using System.Text.Json;
using System.Xml.Linq;
using Troupe.Launcher.Daemon;
using Troupe.Launcher.Libvirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Capabilities;

/// <summary><c>--print-capabilities kvm|qemu</c>: what libvirt says this host can run, as JSON.</summary>
internal static class CapabilitiesCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The daemon's folders are fixed in libvirt, so it gets a mount namespace in which they are temporary ones; this program runs
    /// itself there once more.
    /// </summary>
    /// <param name="virtType">libvirt's <c>kvm</c> or <c>qemu</c>. The node decides: that /dev/kvm exists does not say that it works.</param>
    public static async Task<int> RunAsync(string virtType, bool isInside)
    {
        if (!isInside)
            return await RunInsideAsync(virtType).ConfigureAwait(false);
        DaemonConfiguration.NameUsers();
        await using var daemon = new LibvirtDaemon(new LibvirtDaemonOptions(), Console.Error.WriteLine);
        daemon.Start();
        using var deadline = new CancellationTokenSource(Patience);
        using var connection = await daemon.ConnectAsync(new Nobody(), deadline.Token).ConfigureAwait(false);
        var capabilities = Read(connection.Capabilities(), connection.DomainCapabilities(virtType), virtType == "kvm", connection.LibraryVersion, connection.HypervisorVersion);
        Console.WriteLine(JsonSerializer.Serialize(capabilities, LauncherJson.Default.NodeCapabilities));
        return 0;
    }

    internal static NodeCapabilities Read(string hostXml, string domainXml, bool hasKvm, string libvirt, string qemu)
    {
        var machines = Machines(hostXml);
        var modes = XElement.Parse(domainXml).Element("cpu")?.Elements("mode").ToList() ?? [];
        var host = modes.FirstOrDefault(m => m.Attribute("name")?.Value == "host-model");
        return new NodeCapabilities(hasKvm, libvirt, qemu, machines,
            [.. modes.Where(m => m.Attribute("name")?.Value == "custom").Elements("model").Where(m => m.Attribute("usable")?.Value == "yes").Select(m => m.Value).Order(StringComparer.Ordinal)],
            host?.Element("model")?.Value, host?.Element("vendor")?.Value,
            [.. (host?.Elements("feature") ?? []).Where(f => f.Attribute("policy")?.Value == "require").Select(f => f.Attribute("name")!.Value)]);
    }

    /// <summary>Machine types with their aliases.</summary>
    internal static IReadOnlyList<string> Machines(string hostXml)
    {
        var arch = XElement.Parse(hostXml).Elements("guest").Where(g => g.Element("os_type")?.Value == "hvm").Elements("arch").FirstOrDefault(a => a.Attribute("name")?.Value == "x86_64");
        return [.. (arch?.Elements("machine") ?? []).SelectMany(m => new[] { m.Value, m.Attribute("canonical")?.Value }).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
    }

    private static async Task<int> RunInsideAsync(string virtType)
    {
        var root = Directory.CreateTempSubdirectory("troupe-capabilities-").FullName;
        try
        {
            const string Script = """
                for d in /run/libvirt /etc/libvirt /var/lib/libvirt /var/log/libvirt; do
                  mkdir -p "$0$d" "$d" && mount --bind "$0$d" "$d" || exit 1
                done
                for f in /etc/passwd /etc/group; do
                  cp "$f" "$0$f" && mount --bind "$0$f" "$f" || exit 1
                done
                exec "$1" --print-capabilities-inside "$2"
                """;
            using var process = Process.Start(new ProcessStartInfo("unshare",
                ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "sh", "-c", Script, root, Environment.ProcessPath!, virtType])
            { UseShellExecute = false })
                ?? throw new InvalidOperationException("unshare did not start");
            await process.WaitForExitAsync().ConfigureAwait(false);
            return process.ExitCode;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private sealed class Nobody : ILibvirtObserver
    {
        public void Lifecycle(int lifecycleEvent, int detail)
        {
        }

        public void Agent(bool connected)
        {
        }

        public void DevicesChanged(string? problem)
        {
        }

        public void Closed()
        {
        }
    }
}
