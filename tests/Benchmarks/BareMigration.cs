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
    private readonly BareDaemon[] _daemons;
    private int _at;

    private BareMigration() => _daemons = [new BareDaemon("a"), new BareDaemon("b")];

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

    /// <summary>With a bridge instead of the pod's tap.</summary>
    private XDocument Adapt(string launcherXml, string guestDirectory)
    {
        var domain = BareDaemon.Adapt(launcherXml, guestDirectory, "/run/libvirt");
        var root = domain.Root!;
        Domain = root.Element("name")!.Value;
        foreach (var nic in root.Descendants("interface"))
        {
            nic.SetAttributeValue("type", "bridge");
            nic.Element("target")?.Remove();
            nic.Element("source")?.Remove();
            nic.AddFirst(new XElement("source", new XAttribute("bridge", _bridge)));
        }

        return domain;
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
