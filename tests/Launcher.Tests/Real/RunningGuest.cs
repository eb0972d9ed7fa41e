using System.Threading.Channels;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Launchers;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

/// <summary>A demo guest under a real launcher, libvirt and QEMU.</summary>
internal sealed class RunningGuest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Channel<DomainObservation> _observations = Channel.CreateUnbounded<DomainObservation>();
    private DomainObservation _latest = new();

    private RunningGuest(LauncherSandbox sandbox, VirtualMachineInstance vmi, LaunchContext context)
    {
        (Sandbox, Vmi, Context) = (sandbox, vmi, context);
    }

    public LauncherSandbox Sandbox { get; }

    public VirtualMachineInstance Vmi { get; }

    public LaunchContext Context { get; }

    public LauncherConnection Launcher { get; private set; } = null!;

    /// <summary>What its daemon found out about QEMU when it launched.</summary>
    public IReadOnlyList<EmulatorProbe>? NewProbes { get; private set; }

    /// <summary>A guest of 160 MiB on one masqueraded interface, from the kernel directly.</summary>
    public static VirtualMachineInstance Manifest(Func<DomainSpec, DomainSpec>? domain = null, Func<VirtualMachineInstanceSpec, VirtualMachineInstanceSpec>? spec = null)
    {
        var basic = new DomainSpec
        {
            Memory = new Memory { Guest = new Quantity("160Mi") },
            Firmware = new Firmware
            {
                KernelBoot = new KernelBoot { Container = new KernelBootContainer { Image = "demo", KernelPath = "/vmlinuz", InitrdPath = "/initrd.gz" }, KernelArgs = "console=ttyS0 quiet panic=1 no_timer_check tsc=reliable" },
            },
            Devices = new Devices { Rng = new Rng(), Interfaces = [new Interface { Name = "default", Masquerade = new InterfaceMasquerade() }] },
        };
        return new VirtualMachineInstance
        {
            Metadata = new ObjectMeta { Name = LauncherSandbox.Name, Namespace = LauncherSandbox.Namespace, Uid = LauncherSandbox.Uid },
            Spec = (spec ?? (s => s))(new VirtualMachineInstanceSpec { Domain = (domain ?? (d => d))(basic) }),
        };
    }

    public static PreparedInterface Nic(string name, string tap, string mac, string address) =>
        new(name, tap, LauncherSandbox.Bridge, mac, 1500, address, "10.0.2.1", [], [], null, ["10.244.0.5"]);

    /// <param name="probes">What the launcher is told of QEMU.</param>
    /// <param name="prepare">Puts into the sandbox what a pod's volumes would hold.</param>
    public static Task<RunningGuest> BootAsync(VirtualMachineInstance vmi, Action<LauncherSandbox>? prepare = null, IReadOnlyList<EmulatorProbe>? probes = null, LaunchContext? context = null) =>
        StartAsync(vmi, prepare, probes, context, async guest =>
        {
            guest.NewProbes = (await guest.AskAsync(new LaunchDomain(1, vmi, guest.Context))).Probes;
            await guest.UntilAsync(o => o.State is DomainState.Running or DomainState.Paused);
        });

    /// <summary>A launcher to which the guest is yet to come.</summary>
    public static Task<RunningGuest> AwaitAsync(VirtualMachineInstance vmi, LaunchContext? context = null) => StartAsync(vmi, null, null, context, _ => Task.CompletedTask);

    private static async Task<RunningGuest> StartAsync(VirtualMachineInstance vmi, Action<LauncherSandbox>? prepare, IReadOnlyList<EmulatorProbe>? probes, LaunchContext? context, Func<RunningGuest, Task> begin)
    {
        var sandbox = await LauncherSandbox.StartAsync();
        try
        {
            prepare?.Invoke(sandbox);
            var guest = new RunningGuest(sandbox, vmi, context ?? new LaunchContext(UseEmulation: true, [Nic("default", "tap0", "02:00:00:00:00:10", "10.0.2.2/24")]));
            using var deadline = new CancellationTokenSource(Patience);
            guest.Launcher = await sandbox.ConnectAsync(guest.OnChanged, () => { }, deadline.Token);
            await guest.AskAsync(new LauncherHello("test", LauncherProtocol.Version) { Probes = probes });
            await begin(guest);
            return guest;
        }
        catch (Exception e)
        {
            var log = await File.ReadAllTextAsync(sandbox.Log);
            await sandbox.DisposeAsync();
            throw new InvalidOperationException($"{e.Message}\n{log}", e);
        }
    }

    public async Task<LauncherReply> AskAsync(ILauncherRequest request)
    {
        using var deadline = new CancellationTokenSource(Patience);
        var reply = await Launcher.AskAsync(request, deadline.Token);
        return reply.Error is LauncherError.None ? reply : throw new InvalidOperationException($"{request.GetType().Name}: {reply.Error} {reply.Message}");
    }

    public async Task<OperationResult?> OperateAsync(DomainOperation operation) => (await AskAsync(new OperateDomain(0, operation))).Result;

    public Task<LauncherReply> SyncAsync(VirtualMachineInstance vmi, params PreparedInterface[] more) => AskAsync(new SyncDomain(1, vmi, Context with { Interfaces = [.. Context.Interfaces, .. more] }));

    /// <summary>Output of a shell command in the guest.</summary>
    public async Task<string> ShellAsync(string command)
    {
        var result = await OperateAsync(new ExecInGuest("/bin/sh", ["-c", command], 20));
        Assert.True(result!.ExitCode == 0, $"{command}: exit code {result.ExitCode}, {result.Text}");
        return result.Text!.Trim();
    }

    /// <summary>Repeats a command until the guest gives the answer: hotplug takes its time in there.</summary>
    public async Task ShellUntilAsync(string command, string answer)
    {
        var deadline = DateTime.UtcNow + Patience;
        string last;
        do
        {
            last = await ShellAsync(command);
        }
        while (last != answer && DateTime.UtcNow < deadline);
        Assert.Equal(answer, last);
    }

    public Task<DomainObservation> AgentAsync(TimeSpan? within = null) => UntilAsync(o => o.GuestAgent is { Connected: true, Version: not null }, within);

    /// <summary>The next observation (or the present one) of which this holds.</summary>
    public async Task<DomainObservation> UntilAsync(Func<DomainObservation, bool> holds, TimeSpan? within = null)
    {
        using var deadline = new CancellationTokenSource(within ?? Patience);
        try
        {
            while (!holds(_latest))
                _latest = await _observations.Reader.ReadAsync(deadline.Token);
            return _latest;
        }
        catch (OperationCanceledException)
        {
            var (log, serial) = (await File.ReadAllTextAsync(Sandbox.Log), await File.ReadAllTextAsync(Path.Combine(Sandbox.Private, LauncherSandbox.Uid, "virt-serial0-log")));
            throw new TimeoutException($"not within {within ?? Patience}; last seen {_latest}\n{log}\nconsole: {serial[Math.Max(0, serial.Length - 2000)..]}");
        }
    }

    /// <summary>What was seen last.</summary>
    public DomainObservation Latest
    {
        get
        {
            while (_observations.Reader.TryRead(out var seen))
                _latest = seen;
            return _latest;
        }
    }

    /// <summary>Forgets what was seen, so that only what comes now counts.</summary>
    public void Forget()
    {
        while (_observations.Reader.TryRead(out var seen))
            _latest = seen;
    }

    public async ValueTask DisposeAsync()
    {
        await Launcher.DisposeAsync();
        await Sandbox.DisposeAsync();
    }

    private void OnChanged(DomainObservation observation) => _observations.Writer.TryWrite(observation);
}
