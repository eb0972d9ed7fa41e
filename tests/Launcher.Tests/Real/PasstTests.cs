using System.Diagnostics;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

/// <summary>A guest whose network is passt, which the launcher runs where libvirt cannot.</summary>
[Collection("Guests on the move")]
[Trait("Category", "Real")]
public sealed class PasstTests
{
    private const string PodAddress = "192.0.2.2";
    private const string ClientAddress = "192.0.2.1";

    /// <summary>The first line alone: on a busy machine this passt tells the guest late, or not at all, that the other end has closed.</summary>
    private const string Read = $"(timeout 5 nc {ClientAddress} 8080 </dev/null | head -1) 2>/dev/null";

    private static readonly LaunchContext Context = new(UseEmulation: true, [new PreparedInterface("default", "", "", "02:00:00:00:00:10", 1500, null, null, [], [], null, [PodAddress]) { IsPasst = true }]);
    private static readonly VirtualMachineInstance Vmi = RunningGuest.Manifest(d => d with
    {
        Devices = d.Devices! with { Interfaces = [new Interface { Name = "default", PasstBinding = new InterfacePasstBinding(), Ports = [new Port { PortValue = 80 }] }] },
    });

    [Fact]
    public async Task A_guest_behind_passt_has_the_pods_address_reaches_others_and_is_reached_by_its_ports()
    {
        await using var guest = await RunningGuest.BootAsync(Vmi, context: Context);
        await using var client = await Client.OfAsync(guest);
        await guest.AgentAsync();
        await guest.ShellUntilAsync($"ip -4 address show dev eth0 | grep -c 'inet {PodAddress}/24'", "1");
        Assert.Contains("bootId", await client.ReadAsync());
        Assert.Equal([PodAddress], Assert.Single(guest.Latest.Interfaces).IpAddresses);
        // Nobody listens in the pod for what is not named.
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.RunAsync("socat", "-u", $"TCP4:{PodAddress}:81,connect-timeout=2", "-"));
        client.Serve(8080, "network");
        await guest.ShellUntilAsync(Read, "network");
        Assert.Contains("1 packets received", await guest.ShellAsync($"ping -c1 -w10 {ClientAddress}"));

        var passt = Assert.Single(PasstOf(guest));
        Assert.Contains("Uid:\t107\t", await File.ReadAllTextAsync($"/proc/{passt.Id}/status", TestContext.Current.CancellationToken));
        passt.Kill();
        await passt.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains("bootId", await client.ReadAsync());
        await guest.AskAsync(new DestroyDomain(1));
        await guest.UntilAsync(o => o.State is DomainState.Shutoff);
        await Until(() => PasstOf(guest).Count == 0);
    }

    [Fact]
    public async Task A_guest_behind_passt_is_reached_in_the_pod_to_which_it_has_moved()
    {
        await using var source = await RunningGuest.BootAsync(Vmi, context: Context);
        await source.AgentAsync();
        await using var target = await RunningGuest.AwaitAsync(Vmi, Context);
        await using var client = await Client.OfAsync(target);
        await Moving.MoveAsync(source, target, Moving.Plain);
        Assert.Contains("bootId", await client.ReadAsync());
        client.Serve(8080, "network");
        await target.AgentAsync();
        await target.ShellUntilAsync(Read, "network");
        await Until(() => PasstOf(source).Count == 0);
    }

    private static List<Process> PasstOf(RunningGuest guest) => [.. Process.GetProcesses().Where(p => p.ProcessName.StartsWith("passt", StringComparison.Ordinal) && NetworkOf(p.Id) == NetworkOf(guest.Sandbox.ProcessId))];

    private static string? NetworkOf(int pid)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{pid}/ns/net", returnFinalTarget: false)?.Name;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task Until(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(RunningGuest.Patience);
        while (!holds())
            await Task.Delay(50, deadline.Token);
    }

    /// <summary>A machine at the other end of the pod's wire.</summary>
    private sealed class Client : IAsyncDisposable
    {
        private readonly string _name = $"tp-{Guid.NewGuid():N}"[..9];
        private readonly List<Process> _processes = [];

        public static async Task<Client> OfAsync(RunningGuest guest)
        {
            var client = new Client();
            await ExecAsync("ip", "netns", "add", client._name);
            await ExecAsync("nsenter", "-t", $"{guest.Sandbox.ProcessId}", "-n", "ip", "link", "set", "wire", "netns", client._name);
            await client.RunAsync("ip", "address", "add", $"{ClientAddress}/24", "dev", "wire");
            await client.RunAsync("ip", "link", "set", "wire", "up");
            return client;
        }

        /// <summary>The guest's web page; tried again while it is not served yet.</summary>
        public Task<string> ReadAsync() => RunAsync("curl", "--silent", "--show-error", "--retry", "60", "--retry-delay", "1", "--retry-all-errors", "--connect-timeout", "2", "--max-time", "5", $"http://{PodAddress}/cgi-bin/status");

        public Task<string> RunAsync(params string[] command) => ExecAsync("ip", ["netns", "exec", _name, .. command]);

        public void Serve(int port, string text) => _processes.Add(Process.Start("ip", ["netns", "exec", _name, "socat", "-U", $"TCP4-LISTEN:{port},reuseaddr,fork", $"SYSTEM:echo {text}"]));

        public async ValueTask DisposeAsync()
        {
            foreach (var process in _processes)
            {
                process.Kill(entireProcessTree: true);
                process.Dispose();
            }

            await ExecAsync("ip", "netns", "delete", _name);
        }

        private static async Task<string> ExecAsync(string program, params string[] args)
        {
            using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', args)}: {await error}");
        }
    }
}
