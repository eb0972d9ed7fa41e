using System.Diagnostics;
using System.Globalization;
using Troupe.Launcher.Capabilities;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Migration;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Server;

/// <summary>What libvirt says of a domain that another launcher sends here.</summary>
internal enum IncomingNews { Arriving, Loaded, Gone }

/// <summary>The domain on the move.</summary>
internal sealed partial class DomainHost
{
    private static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ResumeInterval = TimeSpan.FromMilliseconds(100);
    private const int ResumeTries = 50;

    /// <summary>Takes news of an incoming domain; false when there is none, and the news is of this launcher's own.</summary>
    public Func<IncomingNews, bool>? Incoming { get; set; }

    /// <summary>The right to run was given away: whatever libvirt calls the guest's end here, it has migrated.</summary>
    public bool HasPassedOn { get; set; }

    public event Action? DaemonLost;

    /// <inheritdoc cref="Daemon.LibvirtDaemon.Died"/>
    public Action DaemonDied
    {
        set => _daemon.Died = value;
    }

    public string Uuid => _uuid ?? throw new InvalidOperationException("there is no domain yet");

    /// <summary>Disks that live in this pod alone, by their names in the domain.</summary>
    public IReadOnlyList<string> LocalDisks { get; private set; } = [];

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
    public async Task PrepareIncomingAsync(PrepareIncoming order, CancellationToken ct)
    {
        Directory.CreateDirectory(LauncherPaths.DomainFolder(_options.Uid));
        var source = await SourceAsync(order.Vmi, order.Context, ct).ConfigureAwait(false);
        StartDhcp(order.Context.Interfaces);
        Describe(order.Epoch, source);
        await ConnectionAsync(ct).ConfigureAwait(false);
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
        await CallAsync(c =>
        {
            _created = c.Find(Uuid);
            Identify(c, silently: false);
            return true;
        }, ct).ConfigureAwait(false);
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
        var (state, reason) = DomainStates.OfState(c.State().State, c.State().Reason);
        if (state is DomainState.Paused && reason is DomainReason.Migration or DomainReason.Unknown)
            DomainMigration.Resume(c, Uuid);
        Refresh(c);
        return true;
    }, ct);

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
        var news = lifecycleEvent switch
        {
            3 when detail == 0 => IncomingNews.Loaded,
            5 => IncomingNews.Gone,
            _ => IncomingNews.Arriving,
        };
        return Incoming?.Invoke(news) is true || (lifecycleEvent == 3 && detail == 1);
    }
}
