using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;
using Troupe.Launcher.Capabilities;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Hotplug;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Migration;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Server;

/// <summary>What libvirt says of a domain that another launcher sends here.</summary>
internal enum IncomingNews
{
    Arriving,

    /// <summary>Whole, and left paused.</summary>
    Loaded,

    /// <summary>libvirt has let it run.</summary>
    Running,

    /// <summary>Post-copy has come to a halt.</summary>
    Broken,
    Gone,
}

/// <summary>The domain on the move.</summary>
internal sealed partial class DomainHost
{
    private static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ResumeInterval = TimeSpan.FromMilliseconds(100);
    private const int ResumeTries = 50;
    private static readonly TimeSpan LetGoInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>As long as KubeVirt waits.</summary>
    private static readonly TimeSpan LetGoPatience = TimeSpan.FromSeconds(30);

    /// <summary>Takes news of an incoming domain; false when there is none, and the news is of this launcher's own.</summary>
    public Func<IncomingNews, bool>? Incoming { get; set; }

    /// <summary>The right to run was given away: whatever libvirt calls the guest's end here, it has migrated.</summary>
    public bool HasPassedOn { get; set; }

    /// <summary>Aliases of interfaces whose binding plugin wants them connected anew.</summary>
    private IReadOnlyList<string> _refreshing = [];

    /// <summary>Why the guest was ended here; in place of what its QEMU had to say.</summary>
    private volatile string? _fate;

    public event Action? DaemonLost;

    /// <inheritdoc cref="Daemon.LibvirtDaemon.Died"/>
    public Action DaemonDied
    {
        set => _daemon.Died = value;
    }

    public string Uuid => _uuid ?? throw new InvalidOperationException("there is no domain yet");

    /// <summary>Disks that live in this pod alone, by their names in the domain.</summary>
    public IReadOnlyList<string> LocalDisks { get; private set; } = [];

    /// <exception cref="InvalidOperationException">The guest does not have the volume.</exception>
    public string TargetOf(string volume) =>
        Observation.Volumes.FirstOrDefault(v => v.Name == volume)?.Target ?? throw new InvalidOperationException($"volume {volume} is to be copied, and the guest does not have it");

    /// <summary>Memory, and with <paramref name="disks"/> those that live in this pod.</summary>
    public long BytesToMove(bool disks)
    {
        var o = Observation;
        return (o.Memory?.GuestCurrentBytes ?? 0) + (disks ? o.Volumes.Where(v => LocalDisks.Contains(v.Target)).Sum(v => v.SizeBytes ?? 0) : 0);
    }

    public Task<LibvirtConnection> ConnectionAsync(CancellationToken ct) => _connected.Task.WaitAsync(ct);

    /// <summary>A connection that has answered after this was asked: to the daemon that is, or to the one that comes after it.</summary>
    public async Task<LibvirtConnection> SettledConnectionAsync(CancellationToken ct)
    {
        while (true)
        {
            var connection = await ConnectionAsync(ct).ConfigureAwait(false);
            try
            {
                _ = connection.HypervisorVersion;
                return connection;
            }
            catch (LibvirtException)
            {
                await Task.Delay(SettleInterval, ct).ConfigureAwait(false);
            }
        }
    }

    /// <exception cref="UnsupportedSpecException">The guest cannot be run here.</exception>
    /// <exception cref="IOException">A disk that is to be copied finds no room.</exception>
    public async Task PrepareIncomingAsync(PrepareIncoming order, CancellationToken ct)
    {
        Directory.CreateDirectory(LauncherPaths.DomainFolder(_options.Uid));
        CopiedDisks.MakeRoom(order.Copies);
        var source = await SourceAsync(order.Vmi, order.Context, ct).ConfigureAwait(false);
        StartNetwork(source);
        _refreshing = [.. order.Context.Interfaces.Where(i => i.RefreshesLink).Select(i => $"ua-{i.Name}")];
        Describe(order.Epoch, source);
    }

    /// <summary>
    /// Network functions belong to their host: the guest lets go of them before it moves, and gets those of its new pod when it has come. Where it
    /// stays, its owner sees that it is not as it should be, and has them plugged in again.
    /// </summary>
    /// <exception cref="IOException">The guest does not let go.</exception>
    public async Task LetGoOfFunctionsAsync(CancellationToken ct)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(LetGoInterval, ct).ConfigureAwait(false))
        {
            var left = await CallAsync(c => LetGo(c, LiveDomain.Functions(XElement.Parse(c.DomainXml())).Keys.ToList()), ct).ConfigureAwait(false);
            if (left.Count == 0)
                return;
            if (clock.Elapsed > LetGoPatience)
                throw new IOException($"failed to detach host-devices: the guest does not let go of {string.Join(", ", left.Select(LiveDomain.InterfaceOf))}");
        }
    }

    private List<string> LetGo(LibvirtConnection connection, List<string> functions)
    {
        foreach (var alias in functions)
        {
            try
            {
                connection.Detach(alias);
            }
            catch (LibvirtException e)
            {
                // "Already in the process of unplug"; the next look tells.
                _log(e.Message);
            }
        }

        if (functions.Count > 0)
        {
            Update(o => o with { Revision = null }, silently: true);
            ReadDevices(connection);
        }

        return functions;
    }

    /// <summary>What a target cannot do of what the guest has where it runs now.</summary>
    public Task<IReadOnlyList<PreflightProblem>> PreflightAsync(PlatformObservation source, bool useEmulation, CancellationToken ct) => CallAsync(c =>
    {
        var type = useEmulation || !File.Exists("/dev/kvm") ? "qemu" : "kvm";
        var has = CapabilitiesCommand.Machines(c.Capabilities());
        var cpu = source.Cpu is null || type != source.Type || !has.Contains(source.Machine) ? null : c.CpuProblem(type, source.Machine, source.Cpu);
        return Preflight.Problems(source, new TargetPlatform(type, has, QemuVersion, LibvirtVersion, cpu));
    }, ct);

    /// <summary>Runs the guest that has come, unless its user wants it to stand still. libvirt may be busy with the last of its own finishing for a moment.</summary>
    /// <exception cref="LibvirtException">It would not run.</exception>
    public async Task RunIncomingAsync(bool paused, CancellationToken ct)
    {
        for (var i = 0; !paused; i++)
        {
            try
            {
                await CallAsync(c =>
                {
                    DomainMigration.Resume(c, Uuid);
                    return true;
                }, ct).ConfigureAwait(false);
                break;
            }
            catch (LibvirtException e) when (i < ResumeTries)
            {
                _log($"the guest that has come does not run yet: {e.Message}");
                await Task.Delay(ResumeInterval, ct).ConfigureAwait(false);
            }
        }

        Update(o => paused ? o with { State = DomainState.Paused, Reason = DomainReason.User } : o with { State = DomainState.Running, Reason = DomainReason.Migrated });
        await SettleIncomingAsync(ct).ConfigureAwait(false);
    }

    /// <summary>libvirt runs the guest, and is still busy with its coming: it is looked at closely when it has come.</summary>
    public void RunsIncoming()
    {
        _created = true;
        Update(o => o with { State = DomainState.Running, Reason = DomainReason.Migrated });
    }

    /// <summary>A guest that ran here and did not come in full; libvirt may have told of its end before.</summary>
    public void LostIncoming() => Update(o => o.State is DomainState.Shutoff or DomainState.Crashed
        ? o
        : o with { State = DomainState.Shutoff, Reason = DomainReason.Crashed, Message = _fate ?? LastWords() });

    /// <summary>Looks at the guest that has come.</summary>
    public async Task SettleIncomingAsync(CancellationToken ct)
    {
        await CallAsync(c =>
        {
            _created = c.Find(Uuid);
            // What was plugged in before it came: the spec alone does not tell how much of its memory that is, and which names its disks have.
            _bootBytes = LiveDomain.BootBytes(XElement.Parse(c.DomainXml()));
            Update(o => o with { Memory = o.Memory! with { GuestAtBootBytes = _bootBytes } }, silently: true);
            ReadDevices(c);
            Identify(c, silently: false);
            Reconnect(c);
            return true;
        }, ct).ConfigureAwait(false);
    }

    /// <summary>A guest whose cable was pulled for a moment asks for its address and routes again, which may be others here.</summary>
    private void Reconnect(LibvirtConnection connection)
    {
        foreach (var nic in LiveDomain.Devices(XElement.Parse(connection.DomainXml()), "interface").Where(n => _refreshing.Contains(n.Key)).Select(n => n.Value).Where(n => DomainDiff.LinkOf(n) == "up"))
        {
            foreach (var state in new[] { "down", "up" })
                connection.Update(DomainDiff.WithLink(nic, state).ToString());
        }

        _refreshing = [];
    }

    /// <summary>Ends what has come and is not to run.</summary>
    public Task DestroyIncomingAsync(CancellationToken ct) => CallAsync(c =>
    {
        try
        {
            if (c.Find(Uuid))
                c.Destroy();
        }
        catch (LibvirtException e) when (e.IsNoDomain || e.Code == LibvirtNative.ErrorOperationInvalid)
        {
            // It ended by itself in this moment.
        }

        return true;
    }, ct);

    /// <summary>After an attempt that failed: libvirt resumes the guest as a rule, but not when its daemon died at the wrong moment.</summary>
    public Task KeepGuestAsync(CancellationToken ct) => CallAsync(c =>
    {
        if (!c.Find(Uuid))
            return false;
        if (DomainMigration.HasSwitched(c, Uuid))
        {
            // QEMU does not let it run here any more, and the target was never allowed to.
            EndGuest("the guest was lost in post-copy: the connection to its target ended at the switch");
            return true;
        }

        var (state, reason) = DomainStates.OfState(c.State().State, c.State().Reason);
        if (state is DomainState.Paused && reason is DomainReason.Migration or DomainReason.Unknown)
            DomainMigration.Resume(c, Uuid);
        Refresh(c);
        return true;
    }, ct);

    /// <summary>Ends a guest that cannot go on.</summary>
    public void EndGuest(string why)
    {
        _fate = why;
        _log($"migration: {why}");
        KillGuest();
    }

    /// <summary>Ends QEMU without asking libvirt, which might be about to do something else with it.</summary>
    public void KillGuest()
    {
        var file = $"{_daemonOptions.Run}/qemu/{_domainName}.pid";
        try
        {
            using var qemu = Process.GetProcessById(int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture));
            qemu.Kill();
            qemu.WaitForExit(TimeSpan.FromSeconds(2));
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
        {
            // libvirt has ended it already, as it does when a migration is complete.
            _log($"no QEMU to end: {e.Message}");
        }
    }

    /// <summary>virDomainEventType and its detail: standing still for the switch is nobody's business, and an incoming domain is its host's.</summary>
    private bool IsOfMigration(int lifecycleEvent, int detail)
    {
        const int Suspended = 3, Resumed = 4, Stopped = 5;
        const int ByMigration = 1, ByPostCopy = 7, ByBrokenPostCopy = 8, InBrokenPostCopy = 4;
        var news = (lifecycleEvent, detail) switch
        {
            (Suspended, 0) => IncomingNews.Loaded,
            (Suspended, ByBrokenPostCopy) or (Resumed, InBrokenPostCopy) => IncomingNews.Broken,
            (Resumed, _) => IncomingNews.Running,
            (Stopped, _) => IncomingNews.Gone,
            _ => IncomingNews.Arriving,
        };
        return Incoming?.Invoke(news) is true || (lifecycleEvent == Suspended && detail is ByMigration or ByPostCopy or ByBrokenPostCopy);
    }
}
