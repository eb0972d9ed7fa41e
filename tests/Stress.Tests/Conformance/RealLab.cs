using System.Diagnostics;
using System.Globalization;
using Troupe.EndToEnd.Harness;
using Troupe.Launcher.Tests.Real;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>virt-launcher processes in sandboxes, with libvirt and QEMU.</summary>
internal sealed class RealLab : ILauncherLab
{
    private int _started;

    public VirtualMachineInstance Vmi { get; } = RunningGuest.Manifest();

    public LaunchContext Context { get; } = new(UseEmulation: true, [RunningGuest.Nic("default", "tap0", "02:00:00:00:00:10", "10.0.2.2/24")]);

    public async Task<LauncherUnderTest> StartAsync() => new Real(await LauncherSandbox.StartAsync(), $"10.99.0.{++_started}");

    /// <summary>A cable between the two pods' networks.</summary>
    public async Task LinkAsync(LauncherUnderTest one, LauncherUnderTest other)
    {
        var (a, b) = ((Real)one, (Real)other);
        await RunAsync("ip", "link", "add", "name", "peer0", "netns", $"{a.ProcessId}", "type", "veth", "peer", "name", "peer0", "netns", $"{b.ProcessId}");
        foreach (var end in (Real[])[a, b])
        {
            await RunAsync("nsenter", "-t", $"{end.ProcessId}", "-n", "ip", "addr", "add", $"{end.Address}/24", "dev", "peer0");
            await RunAsync("nsenter", "-t", $"{end.ProcessId}", "-n", "ip", "link", "set", "peer0", "up");
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task RunAsync(string program, params string[] args) => (await Shell.RunAsync(program, args)).Require();

    private sealed class Real(LauncherSandbox sandbox, string address) : LauncherUnderTest
    {
        public override string Address => address;

        public int ProcessId => sandbox.ProcessId;

        public override bool HasGuest => Inside("qemu-system-x86").Any();

        public override async Task<ILauncher> OpenAsync(Action<DomainObservation> changed, Action closed, CancellationToken ct) => await sandbox.ConnectAsync(changed, closed, ct);

        public override Task KillGuestAsync() => KillAsync(Inside("qemu-system-x86").Single());

        /// <summary>It is the first process of the pod: with it goes everything else.</summary>
        public override Task KillAsync() => KillAsync(Inside("virt-launcher").Single());

        public override async Task<int> ExitCodeAsync()
        {
            await sandbox.Ended.WaitAsync(Patience);
            return sandbox.ExitCode;
        }

        public override string Log() => File.ReadAllText(sandbox.Log);

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await sandbox.DisposeAsync();
        }

        private static async Task KillAsync(int pid)
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(Patience);
        }

        /// <summary>Processes of that name (as much as the kernel keeps of it) in the sandbox's network.</summary>
        private IEnumerable<int> Inside(string name)
        {
            var network = NetworkOf(sandbox.ProcessId);
            return Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
                .Where(entry => int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Select(entry => int.Parse(entry!, CultureInfo.InvariantCulture))
                .Where(pid => pid != sandbox.ProcessId && NameOf(pid) == name && NetworkOf(pid) == network);
        }

        private static string? NameOf(int pid)
        {
            try
            {
                return File.ReadAllText($"/proc/{pid}/comm").Trim();
            }
            catch (IOException)
            {
                return null;
            }
        }

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
    }
}
