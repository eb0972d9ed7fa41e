using System.Threading.Channels;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.NodeActors.Launchers;
using Xunit;

namespace Troupe.Stress.Tests.Conformance;

/// <summary>One launcher, real or simulated, and what can be done to it from outside.</summary>
public abstract class LauncherUnderTest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly Channel<DomainObservation> _observations = Channel.CreateUnbounded<DomainObservation>();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ILauncher _connection = null!;
    private DomainObservation _latest = new();

    /// <summary>Where other launchers reach this one.</summary>
    public abstract string Address { get; }

    /// <summary>The connection has ended.</summary>
    public Task Closed => _closed.Task;

    public abstract Task<ILauncher> OpenAsync(Action<DomainObservation> changed, Action closed, CancellationToken ct);

    /// <summary>kill -9 of QEMU.</summary>
    public abstract Task KillGuestAsync();

    /// <summary>kill -9 of the launcher.</summary>
    public abstract Task KillAsync();

    /// <returns>The exit code of a launcher that ends by itself.</returns>
    public abstract Task<int> ExitCodeAsync();

    /// <summary>Whether a QEMU process is there.</summary>
    public abstract bool HasGuest { get; }

    public async Task<LauncherReply> ConnectAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        _connection = await OpenAsync(o => _observations.Writer.TryWrite(o), () => _closed.TrySetResult(), deadline.Token);
        var reply = await AskAsync(new LauncherHello("test", LauncherProtocol.Version));
        _latest = reply.Domain;
        return reply;
    }

    public async Task<LauncherReply> AskAsync(ILauncherRequest request)
    {
        using var deadline = new CancellationTokenSource(Patience);
        return await _connection.AskAsync(request, deadline.Token);
    }

    public async Task<LauncherReply> DoAsync(ILauncherRequest request)
    {
        var reply = await AskAsync(request);
        Assert.True(reply.Error is LauncherError.None, $"{request.GetType().Name}: {reply.Error} {reply.Message}");
        return reply;
    }

    public Task<LauncherReply> OperateAsync(DomainOperation operation) => AskAsync(new OperateDomain(0, operation));

    /// <summary>The present observation, or the next one, of which this holds.</summary>
    public async Task<DomainObservation> UntilAsync(Func<DomainObservation, bool> holds)
    {
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            while (!holds(_latest))
            {
                var next = await _observations.Reader.ReadAsync(deadline.Token);
                // One that was overtaken on its way is known by its number.
                _latest = next.Sequence > _latest.Sequence ? next : _latest;
            }

            return _latest;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"not within {Patience}; last seen {_latest}, {_latest.Migration}\n{Log()}");
        }
    }

    public Task<DomainObservation> StageAsync(SourceStage stage) => UntilAsync(o => o.Migration?.Source == stage);

    public Task<DomainObservation> StageAsync(TargetStage stage) => UntilAsync(o => o.Migration?.Target == stage);

    public virtual string Log() => "";

    public virtual async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Where launchers of one VMI come from.</summary>
public interface ILauncherLab : IAsyncDisposable
{
    VirtualMachineInstance Vmi { get; }

    LaunchContext Context { get; }

    Task<LauncherUnderTest> StartAsync();

    /// <summary>Lets the launchers reach each other.</summary>
    Task LinkAsync(LauncherUnderTest one, LauncherUnderTest other);
}
