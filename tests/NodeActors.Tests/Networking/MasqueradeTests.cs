using System.Diagnostics;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

/// <summary>
/// A pod and a guest made of network namespaces: client, veth, pod (masquerade), the bridge, guest. The guest hangs on the bridge
/// by a veth, since nobody opens the tap.
/// </summary>
[Trait("Category", "Real")]
public sealed class MasqueradeTests : IDisposable
{
    private const string PodAddress = "192.0.2.2";
    private const string ClientAddress = "192.0.2.1";
    private readonly string _id = Guid.NewGuid().ToString("N")[..6];
    private readonly List<Process> _processes = [];

    private string Client => $"tm-{_id}-c";

    private string Pod => $"tm-{_id}-p";

    private string Guest => $"tm-{_id}-g";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        foreach (var ns in new[] { Client, Pod, Guest })
            Process.Start("ip", ["netns", "delete", ns]).WaitForExit();
    }

    [Fact]
    public async Task A_guest_behind_the_masquerade_reaches_the_network_and_is_reached()
    {
        var pid = await MakePodAsync();
        var prepared = await PrepareAsync(pid, new Interface { Name = "default", Masquerade = new InterfaceMasquerade() });
        Assert.Equal(("tap0", 1400, "10.0.2.2/24", "10.0.2.1", "guest"), (prepared.Tap, prepared.Mtu, prepared.GuestAddress, prepared.Gateway, prepared.Hostname));
        await AttachGuestAsync(prepared.Bridge);

        await In(Guest, "busybox", "ping", "-c1", "-W5", "10.0.2.1");
        await In(Guest, "busybox", "ping", "-c1", "-W5", ClientAddress);
        Serve(Client, 8080, "network");
        Assert.Equal("network", await ReadAsync(Guest, ClientAddress, 8080));
        Serve(Guest, 80, "guest");
        Assert.Equal("guest", await ReadAsync(Client, PodAddress, 80));
        await In(Client, "busybox", "ping", "-c1", "-W5", PodAddress);
    }

    [Fact]
    public async Task Preparing_again_keeps_the_devices_and_what_a_crash_left_half_made_is_completed()
    {
        var pid = await MakePodAsync();
        // The bridge without its address and without the tap: a run that was cut short.
        await In(Pod, "ip", "link", "add", "k6t-eth0", "type", "bridge");
        var nic = new Interface { Name = "default", Masquerade = new InterfaceMasquerade(), Ports = [new Port { PortValue = 80 }] };
        var first = await PrepareAsync(pid, nic);
        var devices = await DevicesAsync();
        var second = await PrepareAsync(pid, nic);
        Assert.Equal(first.Mac, second.Mac);
        Assert.Equal(devices, await DevicesAsync());
        Assert.Contains("10.0.2.1/24", await In(Pod, "ip", "-o", "address", "show"));
        Assert.Single((await In(Pod, "nft", "list", "ruleset")).Split('\n'), l => l.Contains("dnat to", StringComparison.Ordinal));

        await AttachGuestAsync(first.Bridge);
        Serve(Guest, 80, "open");
        Serve(Guest, 81, "closed");
        Assert.Equal("open", await ReadAsync(Client, PodAddress, 80));
        await Assert.ThrowsAsync<IOException>(() => In(Client, "socat", "-u", $"TCP4:{PodAddress}:81,connect-timeout=2", "-"));
    }

    [Fact]
    public async Task Another_binding_is_refused_with_its_field_and_a_pod_without_eth0_is_worth_another_try()
    {
        var pid = await MakePodAsync();
        var error = await Assert.ThrowsAsync<UnsupportedNetworkException>(() => PrepareAsync(pid, new Interface { Name = "default", Bridge = new InterfaceBridge() }));
        Assert.Contains("spec.domain.devices.interfaces[0]", error.Message, StringComparison.Ordinal);
        await In(Pod, "ip", "link", "delete", "eth0");
        await Assert.ThrowsAsync<IOException>(() => PrepareAsync(pid, new Interface { Name = "default", Masquerade = new InterfaceMasquerade() }));
    }

    private static async Task<PreparedInterface> PrepareAsync(int pid, Interface nic)
    {
        var vmi = new VirtualMachineInstance
        {
            Metadata = new ObjectMeta { Name = "guest.example", Uid = "uid" },
            Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Devices = new Devices { Interfaces = [nic] } }, Networks = [new Network { Name = "default", Pod = new PodNetwork() }] },
        };
        return Assert.Single(await new PodNetworking().PrepareAsync(pid, vmi, [PodAddress], [], Ct));
    }

    private async Task<int> MakePodAsync()
    {
        foreach (var ns in new[] { Client, Pod, Guest })
            await RunAsync("ip", "netns", "add", ns);
        await RunAsync("ip", "link", "add", "eth0", "netns", Client, "type", "veth", "peer", "name", "eth0", "netns", Pod);
        foreach (var (ns, address) in new[] { (Client, ClientAddress), (Pod, PodAddress) })
        {
            await In(ns, "ip", "address", "add", $"{address}/24", "dev", "eth0");
            await In(ns, "ip", "link", "set", "eth0", "mtu", "1400", "up");
        }

        // The shell says when it is in the namespace, and then becomes the sleeper.
        var sleeper = Start(new ProcessStartInfo("ip", ["netns", "exec", Pod, "sh", "-c", "echo ready; exec sleep 1000"]) { RedirectStandardOutput = true });
        Assert.Equal("ready", await sleeper.StandardOutput.ReadLineAsync(Ct));
        return sleeper.Id;
    }

    private async Task AttachGuestAsync(string bridge)
    {
        await RunAsync("ip", "link", "add", "veth-guest", "netns", Pod, "type", "veth", "peer", "name", "eth0", "netns", Guest);
        await In(Pod, "ip", "link", "set", "veth-guest", "master", bridge, "up");
        await In(Guest, "ip", "address", "add", "10.0.2.2/24", "dev", "eth0");
        await In(Guest, "ip", "link", "set", "eth0", "up");
        await In(Guest, "ip", "route", "add", "default", "via", "10.0.2.1");
    }

    private async Task<string> DevicesAsync() =>
        string.Join('\n', (await In(Pod, "ip", "-o", "link", "show")).Split('\n').Select(l => string.Join(' ', l.Split(' ').Take(2))));

    private void Serve(string ns, int port, string text) =>
        Start(new ProcessStartInfo("ip", ["netns", "exec", ns, "socat", "-U", $"TCP4-LISTEN:{port},reuseaddr,fork", $"SYSTEM:echo {text}"]));

    /// <summary>Tried again while the server is not listening yet.</summary>
    private static async Task<string> ReadAsync(string ns, string address, int port) =>
        (await In(ns, "socat", "-u", $"TCP4:{address}:{port},connect-timeout=5,retry=50,interval=0.1", "-")).Trim();

    private Process Start(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }

    private static Task<string> In(string ns, params string[] command) => RunAsync("ip", ["netns", "exec", ns, .. command]);

    private static async Task<string> RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(Ct);
        var error = process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        return process.ExitCode == 0 ? await output : throw new IOException($"{program} {string.Join(' ', args)}: {await error}");
    }
}
