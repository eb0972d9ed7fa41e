using System.Threading.Channels;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Controllers;

/// <summary>
/// Background work that follows the store in this process. The events of all tables come through one unbounded queue per
/// controller: unlike a network client it can't be cut off, and it only takes references.
/// </summary>
internal abstract class Controller(ObjectStore store, ILogger log)
{
    /// <summary>Null only wakes the loop.</summary>
    private readonly Channel<StoreEvent?> _events = Channel.CreateUnbounded<StoreEvent?>(new UnboundedChannelOptions { SingleReader = true });

    protected ObjectStore Store => store;

    protected ILogger Log => log;

    /// <summary>Begins to queue events; to be called before the first <see cref="RunAsync"/> looks at the store.</summary>
    public void Attach() => store.Committed += Queue;

    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            await Guarded(() => StartAsync(ct), "start");
            await DrainedAsync(ct);
            while (await _events.Reader.WaitToReadAsync(ct))
            {
                while (_events.Reader.TryRead(out var e))
                {
                    if (e is not null)
                        await Guarded(() => HandleAsync(e, ct), e.Object.Name);
                }
                await DrainedAsync(ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The end.
        }
        finally
        {
            store.Committed -= Queue;
        }
    }

    /// <summary>Looks at what is there already.</summary>
    protected virtual Task StartAsync(CancellationToken ct) => Task.CompletedTask;

    protected abstract bool Interested(StoreEvent e);

    protected abstract Task HandleAsync(StoreEvent e, CancellationToken ct);

    /// <summary>All events that were there have been handled.</summary>
    protected virtual Task DrainedAsync(CancellationToken ct) => Task.CompletedTask;

    protected void Wake() => _events.Writer.TryWrite(null);

    protected void Queue(StoreEvent e)
    {
        if (Interested(e))
            _events.Writer.TryWrite(e);
    }

    protected async Task Guarded(Func<Task> work, string what)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogError(e, "{Controller} failed on {What}", GetType().Name, what);
        }
    }
}
