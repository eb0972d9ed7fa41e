using System.Threading.Channels;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Daemon;
using Troupe.Launcher.Dhcp;
using Troupe.Launcher.Disks;
using Troupe.Launcher.HostDevices;
using Troupe.Launcher.Libvirt;
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
    private readonly List<DhcpServer> _dhcp = [];
    private readonly SemaphoreSlim _calls = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Action> _news = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();
    private readonly GuestAgentReader _agent;
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
        _agent = new GuestAgentReader(this, time);
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

    /// <exception cref="UnsupportedSpecException">The spec cannot be run.</exception>
    /// <exception cref="LibvirtException">libvirt refused.</exception>
    public async Task LaunchAsync(LaunchDomain request, CancellationToken ct)
    {
        var vmi = request.Vmi;
        Directory.CreateDirectory(LauncherPaths.DomainFolder(_options.Uid));
        UnsupportedFields.Check(vmi);
        var disks = await DiskPreparer.PrepareAsync(vmi, ct).ConfigureAwait(false);
        // The pod has the device only if it asked for it and the node could give it.
        var context = request.Context with { UseEmulation = request.Context.UseEmulation || !File.Exists("/dev/kvm") };
        var source = new DomainSource(vmi, context, disks, HostDeviceAssigner.AssignAll(vmi.Spec!), HostFactsReader.Read());
        var xml = HotplugPorts.Reserve(DomainXml.Build(source), source).ToString();
        StartDhcp(request.Context.Interfaces);
        Describe(request.Epoch, vmi, request.Context, disks);
        await CallAsync(c =>
        {
            c.Create(xml);
            _created = true;
            var machine = System.Xml.Linq.XElement.Parse(c.DomainXml()).Element("os")?.Element("type")?.Attribute("machine")?.Value;
            Update(o => o with { Machine = machine }, silently: true);
            Refresh(c);
            return true;
        }, ct).ConfigureAwait(false);
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
        var message = state is DomainState.Shutoff && reason is DomainReason.Failed or DomainReason.Crashed ? LastWords() : null;
        if (HasPassedOn && state is DomainState.Shutoff)
            (reason, message) = (DomainReason.Migrated, null);
        Update(o => o with { State = state, Reason = reason is DomainReason.Failed ? DomainReason.Crashed : reason, Message = message });
        if (state is DomainState.Shutoff or DomainState.Crashed)
            _agent.Stop();
    });

    void ILibvirtObserver.Agent(bool connected) => _news.Writer.TryWrite(() =>
    {
        Update(o => o with { GuestAgent = connected ? (o.GuestAgent ?? new GuestAgentObservation(true)) with { Connected = true } : o.GuestAgent is null ? null : o.GuestAgent with { Connected = false } });
        if (connected)
            _agent.Start();
        else
            _agent.Stop();
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
        _agent.Stop();
        foreach (var dhcp in _dhcp)
            await dhcp.DisposeAsync().ConfigureAwait(false);
        await _daemon.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ConnectAsync()
    {
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
    private async Task<T> CallAsync<T>(Func<LibvirtConnection, T> call, CancellationToken ct)
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

    private void StartDhcp(IReadOnlyList<PreparedInterface> interfaces)
    {
        if (_dhcp.Count > 0)
            return;
        foreach (var nic in interfaces)
        {
            var server = new DhcpServer(nic, LauncherPaths.EphemeralDisks, _log);
            server.Start();
            _dhcp.Add(server);
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
