using System.Threading.Channels;
using System.Xml.Linq;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Daemon;
using Troupe.Launcher.Dhcp;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Hooks;
using Troupe.Launcher.HostDevices;
using Troupe.Launcher.Hotplug;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Metrics;
using Troupe.Launcher.Operations;
using Troupe.Launcher.Passt;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Server;

/// <summary>Owns the daemon, the domain and what serves it, and keeps the observation of them.</summary>
internal sealed partial class DomainHost : ILibvirtObserver, IAsyncDisposable
{
    private readonly LauncherOptions _options;
    private readonly LibvirtDaemonOptions _daemonOptions;
    private readonly TimeProvider _time;
    private readonly Action<string> _log;
    private readonly LibvirtDaemon _daemon;
    private readonly EmulatorProbes _probes;
    private readonly Dictionary<string, DhcpServer> _dhcp = new(StringComparer.Ordinal);

    /// <summary>Where libvirt does not start it.</summary>
    private PasstServer? _passt;
    private readonly SemaphoreSlim _calls = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Action> _news = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();
    private readonly GuestAgentReader _agent;
    private readonly AccessCredentials _credentials;
    private readonly DomainOperator _operator;
    private readonly MemoryDumper _dumper;
    private readonly GuestMetrics _metrics;

    /// <summary>Null in a pod without any.</summary>
    private readonly HookSidecars? _hooks;
    private readonly SemaphoreSlim _syncing = new(1);
    private static readonly TimeSpan DetachInterval = TimeSpan.FromSeconds(5);

    /// <summary>Aliases of devices that the guest was asked to let go of. Touched only within libvirt calls, of which there is one at a time.</summary>
    private readonly HashSet<string> _leaving = new(StringComparer.Ordinal);
    private readonly ITimer _detaching;
    private long _bootBytes;
    private Dictionary<string, long?> _diskSizes = [];
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<LibvirtConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DomainObservation _observation;
    private string? _uuid;
    private volatile bool _created;
    private string? _domainName;

    public DomainHost(LauncherOptions options, LibvirtDaemonOptions daemonOptions, TimeProvider time, Action<string> log)
    {
        (_options, _daemonOptions, _time, _log) = (options, daemonOptions, time, log);
        _observation = new DomainObservation { At = time.GetUtcNow() };
        _daemon = new LibvirtDaemon(daemonOptions, log);
        _probes = new EmulatorProbes(daemonOptions, log);
        var agent = new GuestAgent(this, time);
        _credentials = new AccessCredentials(this, log);
        _operator = new DomainOperator(this, agent, time, log);
        _dumper = new MemoryDumper(this, time, log);
        _metrics = new GuestMetrics(this, time, log);
        _hooks = options.HookSidecars > 0 ? new HookSidecars(HookSidecars.SharedFolder, options.HookSidecars, time, log) : null;
        _agent = new GuestAgentReader(this, agent, _credentials, time);
        _detaching = time.CreateTimer(_ => _ = DetachAgainAsync(), null, Timeout.InfiniteTimeSpan, DetachInterval);
    }

    /// <summary>Raised in order for every change; keep it short.</summary>
    public event Action<DomainObservation>? Changed;

    public DomainObservation Observation
    {
        get
        {
            lock (_gate)
                return _observation;
        }
    }

    public string LibvirtVersion { get; private set; } = "";

    public string QemuVersion { get; private set; } = "";

    public bool AgentConnected => Observation.GuestAgent?.Connected is true;

    /// <summary>The daemon is started before anybody asks: it takes longer than everything else.</summary>
    public void Start()
    {
        _ = Task.Run(DeliverNewsAsync);
        _daemon.Start();
        _ = ConnectAsync();
    }

    /// <summary>An agent is there, with what it knows of this node's QEMU; only the first one's word counts.</summary>
    public void Greet(IReadOnlyList<EmulatorProbe>? probes)
    {
        if (_greeted.Task.IsCompleted)
            return;
        _probes.Install(probes ?? []);
        _greeted.TrySetResult();
    }

    /// <summary>What the daemon had to find out by itself.</summary>
    public IReadOnlyList<EmulatorProbe>? NewProbes() => _probes.New();

    /// <exception cref="UnsupportedSpecException">The spec cannot be run.</exception>
    /// <exception cref="LibvirtException">libvirt refused.</exception>
    public async Task LaunchAsync(LaunchDomain request, CancellationToken ct)
    {
        var vmi = request.Vmi;
        Directory.CreateDirectory(LauncherPaths.DomainFolder(_options.Uid));
        if (_hooks is not null)
            await _hooks.CollectAsync(ct).ConfigureAwait(false);
        var source = await SourceAsync(vmi, request.Context, ct).ConfigureAwait(false);
        var xml = await HookedAsync(HotplugPorts.Reserve(DomainXml.Build(source), source).ToString(), vmi, ct).ConfigureAwait(false);
        StartNetwork(source);
        Describe(request.Epoch, source);
        await CallAsync(c =>
        {
            c.Create(xml, paused: vmi.Spec!.StartStrategy is "Paused");
            _created = true;
            Update(o => o with { Revision = request.Context.Revision }, silently: true);
            Identify(c, silently: true);
            Refresh(c);
            return true;
        }, ct).ConfigureAwait(false);
    }

    public Task<OperationResult?> OperateAsync(DomainOperation operation, CancellationToken ct) => _operator.RunAsync(operation, ct);

    /// <summary>One at a time, each from what the domain has then.</summary>
    /// <exception cref="UnsupportedSpecException">The spec cannot be run.</exception>
    /// <exception cref="LibvirtException">A change failed; those before it are done, and a repetition goes on from there.</exception>
    public async Task SyncAsync(SyncDomain request, CancellationToken ct)
    {
        await _syncing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var vmi = request.Vmi;
            var source = await SourceAsync(vmi, request.Context, ct).ConfigureAwait(false);
            _credentials.Use(vmi);
            var wanted = XElement.Parse(await HookedAsync(DomainXml.Build(source).ToString(), vmi, ct).ConfigureAwait(false));
            _diskSizes = source.Disks.ToDictionary(d => d.Name, d => d.SizeBytes);
            await StopDhcpAsync(request.Context.Interfaces).ConfigureAwait(false);
            StartNetwork(source);
            await CallAsync(c =>
            {
                _leaving.Clear();
                var changes = DomainDiff.Of(XElement.Parse(c.DomainXml()), wanted, _bootBytes, MemoryXml.Bytes(source.Domain), MemoryXml.MaxBytes(source.Domain), (int)source.Cpus.Count);
                foreach (var change in changes)
                {
                    _log($"hotplug: {change}");
                    Make(c, change);
                    if (change is DomainChange.Detach detach)
                        _leaving.Add(detach.Alias);
                }

                PressOn();
                Update(o => o with
                {
                    Revision = request.Context.Revision,
                    Memory = o.Memory! with { GuestRequestedBytes = MemoryXml.Bytes(source.Domain) },
                    Interfaces = [.. o.Interfaces, .. request.Context.Interfaces.Where(i => o.Interfaces.All(k => k.Name != i.Name)).Select(i => ObservationOf(i, source))],
                }, silently: true);
                ReadDevices(c);
                return true;
            }, ct).ConfigureAwait(false);
            _dumper.Follow(vmi);
        }
        finally
        {
            _syncing.Release();
        }
    }

    public Task ShutdownAsync(CancellationToken ct) => CallAsync(c =>
    {
        try
        {
            c.Shutdown(AgentConnected ? LibvirtNative.ShutdownAgent : LibvirtNative.ShutdownAcpi);
        }
        catch (LibvirtException) when (AgentConnected)
        {
            // An agent may be connected and yet not know how to shut its system down.
            c.Shutdown(LibvirtNative.ShutdownAcpi);
        }

        return true;
    }, ct);

    public Task DestroyAsync(CancellationToken ct) => CallAsync(c =>
    {
        try
        {
            c.Destroy();
        }
        catch (LibvirtException e) when (e.IsNoDomain || e.Code == LibvirtNative.ErrorOperationInvalid)
        {
            // It ended by itself in this moment.
        }

        return true;
    }, ct);

    public Task<string> AgentCommandAsync(string command, int timeoutSeconds, CancellationToken ct) => CallAsync(c => c.AgentCommand(command, timeoutSeconds), ct);

    public void Update(Func<DomainObservation, DomainObservation> change, bool silently = false)
    {
        DomainObservation next;
        lock (_gate)
        {
            next = change(_observation) with { Sequence = _observation.Sequence, At = _observation.At };
            if (next == _observation)
                return;
            _observation = next with { Sequence = _observation.Sequence + 1, At = _time.GetUtcNow() };
            next = _observation;
        }

        if (!silently)
            Changed?.Invoke(next);
    }

    void ILibvirtObserver.Lifecycle(int lifecycleEvent, int detail) => _news.Writer.TryWrite(() =>
    {
        if (IsOfMigration(lifecycleEvent, detail))
            return;
        if (DomainStates.OfEvent(lifecycleEvent, detail) is not var (state, reason))
            return;
        var message = state is DomainState.Shutoff && reason is DomainReason.Failed or DomainReason.Crashed ? _fate ?? LastWords() : null;
        if (HasPassedOn && state is DomainState.Shutoff)
            (reason, message) = (DomainReason.Migrated, null);
        Update(o => o with { State = state, Reason = reason is DomainReason.Failed ? DomainReason.Crashed : reason, Message = message });
        if (state is DomainState.Shutoff or DomainState.Crashed)
        {
            _detaching.Change(Timeout.InfiniteTimeSpan, DetachInterval);
            _agent.Stop();
        }
    });

    void ILibvirtObserver.Agent(bool connected) => _news.Writer.TryWrite(() =>
    {
        Update(o => o with { GuestAgent = connected ? (o.GuestAgent ?? new GuestAgentObservation(true)) with { Connected = true } : o.GuestAgent is null ? null : o.GuestAgent with { Connected = false } });
        if (connected)
            _agent.Start();
        else
            _agent.Stop();
    });

    void ILibvirtObserver.DevicesChanged(string? problem) => _news.Writer.TryWrite(() =>
    {
        if (problem is not null)
            _log($"the guest does not let go of {problem}");
        _ = CallAsync(c =>
        {
            ReadDevices(c);
            return true;
        }, _stop.Token).ContinueWith(t => _log($"reading the domain: {t.Exception!.InnerException!.Message}"), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    });

    void ILibvirtObserver.Closed() => _news.Writer.TryWrite(() =>
    {
        if (_stop.IsCancellationRequested)
            return;
        _log("the connection to libvirt broke; connecting again");
        DaemonLost?.Invoke();
        _connected = new TaskCompletionSource<LibvirtConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = ConnectAsync();
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _detaching.DisposeAsync().ConfigureAwait(false);
        _agent.Stop();
        _hooks?.Dispose();
        foreach (var dhcp in _dhcp.Values)
            await dhcp.DisposeAsync().ConfigureAwait(false);
        if (_passt is not null)
            await _passt.DisposeAsync().ConfigureAwait(false);
        await _daemon.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ConnectAsync()
    {
        await _greeted.Task.WaitAsync(_stop.Token).ConfigureAwait(false);
        var connection = await _daemon.ConnectAsync(this, _stop.Token).ConfigureAwait(false);
        (LibvirtVersion, QemuVersion) = (connection.LibraryVersion, connection.HypervisorVersion);
        if (_created && _uuid is { } uuid)
        {
            // The daemon was away while the guest ran on — or did not.
            if (connection.Find(uuid))
                Refresh(connection);
            else
                Update(o => o with { State = DomainState.Shutoff, Reason = DomainReason.Crashed, Message = LastWords() });
        }

        _connected.TrySetResult(connection);
    }

    private void Refresh(LibvirtConnection connection)
    {
        var (state, reason) = connection.State();
        var (s, r) = DomainStates.OfState(state, reason);
        Update(o => o with { State = s, Reason = r });
    }

    /// <summary>libvirt's calls block and its errors belong to a thread: one call at a time, each on a thread of its own.</summary>
    public async Task<T> CallAsync<T>(Func<LibvirtConnection, T> call, CancellationToken ct)
    {
        var connection = await _connected.Task.WaitAsync(ct).ConfigureAwait(false);
        await _calls.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => call(connection), ct).ConfigureAwait(false);
        }
        finally
        {
            _calls.Release();
        }
    }

    /// <summary>The guest has ended, and so will the pod.</summary>
    public Task EndHooksAsync(CancellationToken ct) => _hooks?.EndAsync(ct) ?? Task.CompletedTask;

    private Task<string> HookedAsync(string xml, VirtualMachineInstance vmi, CancellationToken ct) => _hooks?.DefineAsync(xml, vmi, ct) ?? Task.FromResult(xml);

    /// <exception cref="UnsupportedSpecException">The guest cannot be run here.</exception>
    private async Task<DomainSource> SourceAsync(VirtualMachineInstance vmi, LaunchContext context, CancellationToken ct)
    {
        UnsupportedFields.Check(vmi);
        var disks = await DiskPreparer.PrepareAsync(vmi, _hooks, ct).ConfigureAwait(false);
        // What libvirt can do shows when its daemon answers.
        await ConnectionAsync(ct).ConfigureAwait(false);
        var source = new DomainSource(
            vmi,
            // The pod has the device only if it asked for it and the node could give it.
            context with { UseEmulation = context.UseEmulation || !File.Exists("/dev/kvm") },
            disks, HostDeviceAssigner.AssignAll(vmi.Spec!), HostFactsReader.Read() with { Libvirt = Version.Parse(LibvirtVersion) })
        {
            ReportsFreePages = _options.ReportsFreePages,
            LogsSerialConsole = _options.LogsSerialConsole,
            BalloonPeriod = _options.BalloonPeriod,
            Smbios = _options.Smbios,
        };
        if (IgnitionXml.DataOf(source) is { } ignition)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(LauncherPaths.Ignition)!);
            await File.WriteAllTextAsync(LauncherPaths.Ignition, ignition, ct).ConfigureAwait(false);
        }

        return source;
    }

    /// <summary>What the domain turned out to be once libvirt had filled it in.</summary>
    private void Identify(LibvirtConnection connection, bool silently)
    {
        var domain = XElement.Parse(connection.DomainXml());
        var machine = domain.Element("os")?.Element("type")?.Attribute("machine")?.Value;
        var platform = machine is null ? null
            : new PlatformObservation(domain.Attribute("type")?.Value ?? "", machine, QemuVersion, LibvirtVersion, domain.Element("cpu")?.ToString(SaveOptions.DisableFormatting));
        Update(o => o with { Machine = machine, Platform = platform }, silently);
    }

    /// <summary>What is known of a domain before libvirt says anything about it, whether it starts here or comes from another launcher.</summary>
    private void Describe(long epoch, DomainSource source)
    {
        (_uuid, _domainName) = (DomainXml.UuidOf(source.Vmi), DomainXml.NameOf(source.Vmi));
        _credentials.Use(source.Vmi);
        _metrics.Start(source.Vmi, source.Context.Node, _stop.Token);
        _bootBytes = MemoryXml.Bytes(source.Domain);
        _diskSizes = source.Disks.ToDictionary(d => d.Name, d => d.SizeBytes);
        var readOnly = (source.Devices.Disks ?? []).Where(d => d.Cdrom is not null ? d.Cdrom.Readonly is not false : d.DiskValue?.Readonly is true).Select(d => d.Name).ToHashSet();
        LocalDisks = [.. source.Disks.Where(d => d.File.StartsWith(LauncherPaths.EphemeralDisks, StringComparison.Ordinal) && !d.IsReadonly && !readOnly.Contains(d.Name)).Select(d => d.Target)];
        Update(o => o with
        {
            Epoch = epoch,
            Volumes = [.. source.Disks.Select(d => new VolumeObservation(d.Name, d.Target, d.SizeBytes))],
            Memory = new MemoryObservation(_bootBytes, _bootBytes, _bootBytes),
            Cpus = new CpuObservation(source.Cpus.Sockets, source.Cpus.Cores, source.Cpus.Threads),
            Interfaces = [.. source.Context.Interfaces.Select(i => ObservationOf(i, source)), .. source.HostDevices.Where(d => d.InterfaceName is not null).Select(d => FunctionOf(d.InterfaceName!, d.Mac))],
        }, silently: true);
    }

    private static InterfaceObservation ObservationOf(PreparedInterface nic, DomainSource source) =>
        new(nic.Name, nic.Mac, null, nic.PodAddresses, "domain", nic.IsPasst && !InterfaceXml.StartsPasst(source) ? 1 : InterfaceXml.Queues(source.Domain));

    private static InterfaceObservation FunctionOf(string name, string? mac) => new(name, mac, null, [], "domain");

    private static void Make(LibvirtConnection connection, DomainChange change)
    {
        switch (change)
        {
            case DomainChange.Attach attach:
                connection.Attach(attach.Device.ToString());
                break;
            case DomainChange.Detach detach:
                connection.Detach(detach.Alias);
                break;
            case DomainChange.Update update:
                connection.Update(update.Device.ToString());
                break;
            case DomainChange.SetVcpus set:
                connection.SetVcpus(set.Count);
                break;
        }
    }

    /// <summary>A guest that boots, or has no driver yet, hears nothing when a device is pulled: it is asked again until it lets go.</summary>
    private void PressOn() => _detaching.Change(_leaving.Count > 0 ? DetachInterval : Timeout.InfiniteTimeSpan, DetachInterval);

    private async Task DetachAgainAsync()
    {
        try
        {
            await CallAsync(c =>
            {
                var domain = XElement.Parse(c.DomainXml());
                var present = LiveDomain.Devices(domain, "disk").Keys.Concat(LiveDomain.Devices(domain, "interface").Keys).Concat(LiveDomain.Functions(domain).Keys).ToHashSet(StringComparer.Ordinal);
                _leaving.RemoveWhere(alias => !present.Contains(alias));
                PressOn();
                foreach (var alias in _leaving)
                    c.Detach(alias);
                return true;
            }, _stop.Token).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            // "Already in the process of unplug", or the guest has just ended; the next time tells.
            _log(e.Message);
        }
        catch (OperationCanceledException)
        {
            // This launcher ends.
        }
    }

    /// <summary>After something was plugged: what there is now.</summary>
    private void ReadDevices(LibvirtConnection connection)
    {
        var domain = XElement.Parse(connection.DomainXml());
        var nics = LiveDomain.Devices(domain, "interface").Keys.ToHashSet(StringComparer.Ordinal);
        var functions = LiveDomain.Functions(domain).Keys.Select(LiveDomain.InterfaceOf).ToList();
        Update(o => o with
        {
            Volumes = LiveDomain.Volumes(domain, _diskSizes),
            Cpus = LiveDomain.Cpus(domain),
            Memory = o.Memory is null ? null : o.Memory with { GuestCurrentBytes = o.Memory.GuestAtBootBytes + LiveDomain.PluggedBytes(domain) },
            Interfaces =
            [
                .. o.Interfaces.Where(i => i.Name is null || nics.Contains($"ua-{i.Name}") || functions.Contains(i.Name)),
                .. functions.Where(f => o.Interfaces.All(i => i.Name != f)).Select(f => FunctionOf(f, null)),
            ],
        });
    }

    /// <summary>Addresses of the guest that others know as its pod's.</summary>
    public IReadOnlyList<string> MasqueradedAddresses => [.. _dhcp.Values.Select(d => d.MasqueradedAddress).OfType<string>()];

    /// <summary>What serves the guest's interfaces.</summary>
    private void StartNetwork(DomainSource source)
    {
        foreach (var nic in source.Context.Interfaces.Where(i => i.GuestAddress is not null && !_dhcp.ContainsKey(i.Name)))
        {
            var server = new DhcpServer(nic, LauncherPaths.EphemeralDisks, _log);
            server.Start();
            _dhcp.Add(nic.Name, server);
        }

        // There is one pod network, and passt is for that alone.
        if (_passt is null && !InterfaceXml.StartsPasst(source) && (source.Devices.Interfaces ?? []).Index().FirstOrDefault(i => i.Item.PasstBinding is not null) is (var index, { } passt))
        {
            var server = new PasstServer(passt.Name!, PasstPorts.Of(source.Vmi, passt, $"spec.domain.devices.interfaces[{index}]"), _log);
            server.Start();
            _passt = server;
        }
    }

    /// <summary>For interfaces that are pulled; one that comes back under the name has another bridge.</summary>
    private async Task StopDhcpAsync(IReadOnlyList<PreparedInterface> interfaces)
    {
        foreach (var name in _dhcp.Keys.Except(interfaces.Select(i => i.Name)).ToList())
        {
            if (_dhcp.Remove(name, out var server))
                await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The end of QEMU's log, which is where it says why it died.</summary>
    private string LastWords()
    {
        const int Lines = 5;
        try
        {
            var lines = File.ReadLines(_daemonOptions.QemuLog(_domainName ?? "")).Where(l => l.Length > 0).TakeLast(Lines);
            return $"QEMU ended unexpectedly: {string.Join(" | ", lines.Select(l => l.Length > 300 ? l[..300] : l))}";
        }
        catch (IOException)
        {
            return "QEMU ended unexpectedly";
        }
    }

    private async Task DeliverNewsAsync()
    {
        await foreach (var news in _news.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            news();
    }
}
