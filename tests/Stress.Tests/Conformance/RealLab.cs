using System.Diagnostics;
using System.Globalization;
using Troupe.Launcher.Tests.Real;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>virt-launcher processes in sandboxes, with libvirt and QEMU.</summary>
internal sealed class RealLab : ILauncherLab
{
    public VirtualMachineInstance Vmi { get; } = RunningGuest.Manifest();

    public LaunchContext Context { get; } = new(UseEmulation: true, [RunningGuest.Nic("default", "tap0", "02:00:00:00:00:10", "10.0.2.2/24")]);

    public async Task<LauncherUnderTest> StartAsync() => new Real(await LauncherSandbox.StartAsync());

    public async Task LinkAsync(LauncherUnderTest one, LauncherUnderTest other) => await ((Real)one).LinkAsync((Real)other);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Real(LauncherSandbox sandbox) : LauncherUnderTest
    {
        private string? _address;

        public override string Address => _address ?? throw new InvalidOperationException("it is linked to no other");

        public async Task LinkAsync(Real other) => other._address = await LauncherSandbox.LinkAsync(sandbox, other.Sandbox);

        private LauncherSandbox Sandbox => sandbox;

        public override bool HasGuest => Inside("qemu-system-x86").Any();

        public override async Task<ILauncher> OpenAsync(Action<DomainObservation> changed, Action closed, CancellationToken ct) => await sandbox.ConnectAsync(changed, closed, ct);

        public override Task KillGuestAsync() => KillAsync(Inside("qemu-system-x86").Single());

        /// <summary>It is the first process of the pod: with it goes everything else.</summary>
        public override Task KillAsync()
        {
            sandbox.KillLauncher();
            return sandbox.Ended.WaitAsync(Patience);
        }

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
