using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;
using System.Xml;
using Troupe.Launcher.Converter;
using Troupe.Launcher.Hooks;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Migration;
using Troupe.Launcher.Operations;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Wire;

namespace Troupe.Launcher.Server;

/// <summary>Serves the launcher protocol on a unix socket. One agent at a time: a new connection ends the one before.</summary>
internal sealed class LauncherServer(LauncherOptions options, DomainHost host, MigrationHost migration, StartDeadline deadline, Action quit, Action<string> log)
{
    /// <summary>An agent that does not read is cut off when this many messages wait; it will connect again and be told the latest.</summary>
    private const int OutgoingQueue = 256;
    private readonly SemaphoreSlim _deciding = new(1);
    private LauncherState _state = new();
    private CancellationTokenSource? _current;

    public async Task RunAsync(string socketPath, CancellationToken ct)
    {
        File.Delete(socketPath);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen();
        while (!ct.IsCancellationRequested)
        {
            var socket = await listener.AcceptAsync(ct).ConfigureAwait(false);
            var connection = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var previous = Interlocked.Exchange(ref _current, connection);
            if (previous is not null)
                await previous.CancelAsync().ConfigureAwait(false);
            _ = ServeAsync(socket, connection);
        }
    }

    private async Task ServeAsync(Socket socket, CancellationTokenSource connection)
    {
        var ct = connection.Token;
        var outgoing = Channel.CreateBounded<(long Id, IWireMessage Message)>(OutgoingQueue);
        void Push(DomainObservation observation) => Send(0, new DomainChanged(observation));
        void Send(long id, IWireMessage message)
        {
            if (!outgoing.Writer.TryWrite((id, message)))
                connection.Cancel();
        }

        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var frames = new FrameStream(stream);
        var writer = WriteAsync();
        try
        {
            while (await frames.ReadAsync(ct).ConfigureAwait(false) is { } frame)
            {
                if (frame.Message is not ILauncherRequest request)
                    throw new InvalidDataException($"{frame.Message.GetType().Name} is no request");
                if (request is LauncherHello hello)
                {
                    host.Greet(hello.Probes);
                    host.Changed -= Push;
                    host.Changed += Push;
                }

                // Answered out of order if need be: a shutdown must not wait behind a slow start.
                _ = Task.Run(async () => Send(frame.Id, await HandleAsync(request, ct).ConfigureAwait(false)), ct);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidDataException)
        {
            log($"the agent's connection ended: {e.Message}");
        }
        finally
        {
            host.Changed -= Push;
            outgoing.Writer.TryComplete();
            await connection.CancelAsync().ConfigureAwait(false);
            await writer.ConfigureAwait(false);
        }

        async Task WriteAsync()
        {
            try
            {
                await foreach (var (id, message) in outgoing.Reader.ReadAllAsync(ct).ConfigureAwait(false))
                    await frames.WriteAsync(id, message, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                await connection.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<LauncherReply> HandleAsync(ILauncherRequest request, CancellationToken ct)
    {
        Verdict verdict;
        await _deciding.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            (_state, verdict) = _state.Decide(request, host.Observation.State);
        }
        finally
        {
            _deciding.Release();
        }

        OperationResult? result = null;
        var (error, message) = verdict switch
        {
            Verdict.Stale => (LauncherError.StaleEpoch, $"the epoch is {_state.Epoch}"),
            Verdict.NoDomain => (LauncherError.NoDomain, "there is no running domain"),
            // Work that was begun goes on even if the agent goes away.
            Verdict.Act => await ActAsync(request, r => result = r, CancellationToken.None).ConfigureAwait(false),
            _ => (LauncherError.None, null),
        };
        return new LauncherReply(error, message, new LauncherInfo(options.Uid, LauncherProtocol.Version, host.LibvirtVersion, host.QemuVersion), host.Observation, result)
        {
            Probes = request is LaunchDomain && error is LauncherError.None ? host.NewProbes() : null,
        };
    }

    private async Task<(LauncherError, string?)> ActAsync(ILauncherRequest request, Action<OperationResult?> brought, CancellationToken ct)
    {
        try
        {
            switch (request)
            {
                case LaunchDomain launch:
                    deadline.Try();
                    await host.LaunchAsync(launch, ct).ConfigureAwait(false);
                    deadline.Met();
                    break;
                case ShutdownDomain:
                    await host.ShutdownAsync(ct).ConfigureAwait(false);
                    break;
                case DestroyDomain:
                    await host.DestroyAsync(ct).ConfigureAwait(false);
                    break;
                case OperateDomain operate:
                    brought(await host.OperateAsync(operate.Operation, ct).ConfigureAwait(false));
                    break;
                case SyncDomain sync:
                    await host.SyncAsync(sync, ct).ConfigureAwait(false);
                    break;
                case QuitLauncher:
                    quit();
                    break;
                case PrepareIncoming prepare:
                    deadline.Met();
                    migration.Prepare(prepare);
                    break;
                case AdoptIncoming adopt:
                    migration.Adopt(adopt);
                    break;
                case RefuseIncoming refuse:
                    migration.Refuse(refuse);
                    break;
                case MigrateDomain migrate:
                    migration.Start(migrate);
                    break;
                case AbortMigrate abort:
                    migration.Abort(abort);
                    break;
            }

            return (LauncherError.None, null);
        }
        catch (UnsupportedSpecException e)
        {
            if (request is LaunchDomain)
                deadline.Failed(e.Message);
            return (e.IsInvalid ? LauncherError.InvalidSpec : LauncherError.Unsupported, e.Message);
        }
        catch (OperationRefusedException e)
        {
            return (e.Error, e.Message);
        }
        catch (Exception e) when (e is LibvirtException or IOException or TimeoutException or HookException or XmlException or JsonException or InvalidDataException)
        {
            log($"{request.GetType().Name} failed: {e.Message}");
            if (request is LaunchDomain)
            {
                _state = _state.NotStarted();
                deadline.Failed(e.Message);
            }

            return (LauncherError.LibvirtFailed, e.Message);
        }
    }
}
