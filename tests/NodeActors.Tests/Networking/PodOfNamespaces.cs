using System.Diagnostics;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

/// <summary>A pod and a guest made of network namespaces: client, veth, pod, the bridge, guest. The guest hangs on the bridge by a veth, since nobody opens the tap.</summary>
public abstract class PodOfNamespaces : IDisposable
{
    protected const string PodAddress = "192.0.2.2";
    protected const string ClientAddress = "192.0.2.1";
    private readonly string _id = Guid.NewGuid().ToString("N")[..6];
    private readonly List<Process> _processes = [];

    protected string Client => $"tm-{_id}-c";

    protected string Pod => $"tm-{_id}-p";

    protected string Guest => $"tm-{_id}-g";

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

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
        GC.SuppressFinalize(this);
    }

    protected static async Task<PreparedInterface> PrepareAsync(int pid, Interface nic, IReadOnlyDictionary<string, InterfaceBindingPlugin>? bindings = null, IReadOnlyList<string>? addresses = null) =>
        Assert.Single(await PrepareAllAsync(pid, nic, bindings, addresses));

    protected static Task<IReadOnlyList<PreparedInterface>> PrepareAllAsync(int pid, Interface nic, IReadOnlyDictionary<string, InterfaceBindingPlugin>? bindings, IReadOnlyList<string>? addresses = null)
    {
        var vmi = new VirtualMachineInstance
        {
            Metadata = new ObjectMeta { Name = "guest.example", Uid = "uid" },
            Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Devices = new Devices { Interfaces = [nic] } }, Networks = [new Network { Name = "default", Pod = new PodNetwork() }] },
        };
        return new PodNetworking().PrepareAsync(pid, vmi, new PodFacts(addresses ?? [PodAddress], [], bindings), Ct);
    }

    protected async Task<int> MakePodAsync()
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

    protected async Task AttachGuestAsync(string bridge)
    {
        await RunAsync("ip", "link", "add", "veth-guest", "netns", Pod, "type", "veth", "peer", "name", "eth0", "netns", Guest);
        await In(Pod, "ip", "link", "set", "veth-guest", "master", bridge, "up");
        await In(Guest, "ip", "link", "set", "eth0", "up");
    }

    protected async Task<string> DevicesAsync() =>
        string.Join('\n', (await In(Pod, "ip", "-o", "link", "show")).Split('\n').Select(l => string.Join(' ', l.Split(' ').Take(2))));

    protected void Serve(string ns, int port, string text) =>
        Start(new ProcessStartInfo("ip", ["netns", "exec", ns, "socat", "-U", $"TCP4-LISTEN:{port},reuseaddr,fork", $"SYSTEM:echo {text}"]));

    /// <summary>Tried again while the server is not listening yet.</summary>
    protected static async Task<string> ReadAsync(string ns, string address, int port) =>
        (await In(ns, "socat", "-u", $"TCP4:{address}:{port},connect-timeout=5,retry=50,interval=0.1", "-")).Trim();

    protected Process Start(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }

    protected static Task<string> In(string ns, params string[] command) => RunAsync("ip", ["netns", "exec", ns, .. command]);

    private static async Task<string> RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(Ct);
        var error = process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        return process.ExitCode == 0 ? await output : throw new IOException($"{program} {string.Join(' ', args)}: {await error}");
    }
}
