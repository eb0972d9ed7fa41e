using Troupe.Launcher.Tests.Real;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;
using Troupe.Stress.Simulation;
using Xunit;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>Simulated launchers, whose outside observer must have nothing to say.</summary>
internal sealed class SimulatedLab : ILauncherLab
{
    private readonly SimulatedHosts _hosts = new(TimeProvider.System, new SimulationTiming { BytesPerSecond = 200 << 20, Afterlife = TimeSpan.FromSeconds(2) });
    private int _started;

    public VirtualMachineInstance Vmi { get; } = RunningGuest.Manifest();

    public LaunchContext Context { get; } = new(UseEmulation: true, [RunningGuest.Nic("default", "tap0", "02:00:00:00:00:10", "10.0.2.2/24")]);

    public Task<LauncherUnderTest> StartAsync()
    {
        var number = ++_started;
        return Task.FromResult<LauncherUnderTest>(new Simulated(_hosts, _hosts.Start($"node-{number}", $"pod-{number}", LauncherSandbox.Uid, $"10.0.0.{number}", TimeSpan.Zero)));
    }

    public Task LinkAsync(LauncherUnderTest one, LauncherUnderTest other) => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        // Guests are ended here on purpose, so only that is no violation.
        Assert.DoesNotContain(_hosts.Ledger.Violations, v => v.Law != Ledger.NeverNone);
        return ValueTask.CompletedTask;
    }

    private sealed class Simulated : LauncherUnderTest
    {
        private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SimulatedHosts _hosts;
        private readonly SimulatedLauncher _launcher;

        public Simulated(SimulatedHosts hosts, SimulatedLauncher launcher)
        {
            (_hosts, _launcher) = (hosts, launcher);
            hosts.Ended += (ended, code, _) =>
            {
                if (ended == launcher)
                    _ended.TrySetResult(code);
            };
        }

        public override string Address => _launcher.Address;

        public override bool HasGuest => _launcher.HasGuest;

        public override Task<ILauncher> OpenAsync(Action<DomainObservation> changed, Action closed, CancellationToken ct) =>
            new SimulatedConnector(_hosts).ConnectAsync(_launcher.PodUid, changed, closed, ct);

        public override Task KillGuestAsync()
        {
            _launcher.KillGuest();
            return Task.CompletedTask;
        }

        public override Task KillAsync()
        {
            _launcher.Kill();
            return _ended.Task;
        }

        public override Task<int> ExitCodeAsync() => _ended.Task.WaitAsync(Patience);
    }
}
