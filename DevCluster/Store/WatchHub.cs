using System.Threading.Channels;

namespace Troupe.DevCluster.Store;

/// <summary>The recent history of one table and the watchers that follow it.</summary>
internal sealed class WatchHub(long compacted, int historyLength, long historyBytes)
{
    private readonly Lock _gate = new();
    private readonly Queue<StoreEvent> _history = new();
    private readonly List<StoreWatcher> _watchers = [];
    private TableState _table = TableState.Empty;
    private long _bytes;
    private long _compacted = compacted;

    public void Load(TableState table)
    {
        lock (_gate)
            _table = table;
    }

    public void Publish(StoreEvent e, TableState table)
    {
        lock (_gate)
        {
            _table = table;
            _history.Enqueue(e);
            _bytes += e.Object.Json.Length;
            while (_history.Count > historyLength || (_bytes > historyBytes && _history.Count > 1))
            {
                var forgotten = _history.Dequeue();
                _bytes -= forgotten.Object.Json.Length;
                _compacted = forgotten.ResourceVersion;
            }
            for (var i = _watchers.Count - 1; i >= 0; i--)
            {
                if (!_watchers[i].Offer(e))
                    _watchers.RemoveAt(i);
            }
        }
    }

    /// <summary>Null when the history no longer reaches back to <paramref name="fromResourceVersion"/>.</summary>
    public StoreWatcher? Subscribe(long fromResourceVersion, int capacity)
    {
        lock (_gate)
        {
            if (fromResourceVersion < _compacted)
                return null;
            var backlog = _history.Where(e => e.ResourceVersion > fromResourceVersion).ToList();
            var watcher = new StoreWatcher(this, fromResourceVersion, backlog, capacity);
            _watchers.Add(watcher);
            return watcher;
        }
    }

    public void Unsubscribe(StoreWatcher watcher)
    {
        lock (_gate)
            _watchers.Remove(watcher);
    }

    /// <summary>The table as it was: the present one with the later events undone; null when that is forgotten.</summary>
    public TableState? At(long resourceVersion)
    {
        lock (_gate)
        {
            if (resourceVersion < _compacted)
                return null;
            var table = _table;
            foreach (var e in _history.Reverse())
            {
                if (e.ResourceVersion <= resourceVersion)
                    break;
                table = e.Previous is null ? table.Without(e.Object.Namespace, e.Object.Name) : table.With(e.Previous);
            }
            return table;
        }
    }

    /// <summary>Forgets the whole history, as etcd's compaction does.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            if (_history.Count == 0)
                return;
            _compacted = _history.Last().ResourceVersion;
            _history.Clear();
            _bytes = 0;
        }
    }
}

/// <summary>
/// One watcher's bounded queue. When it is full the watcher is cut off (<see cref="Overflowed"/>): a client that doesn't read costs
/// its own connection and nobody else's memory or time.
/// </summary>
internal sealed class StoreWatcher : IDisposable
{
    private readonly WatchHub _hub;
    private readonly long _from;
    private readonly Channel<StoreEvent> _queue;
    private readonly CancellationTokenSource _overflow = new();

    public StoreWatcher(WatchHub hub, long from, IReadOnlyList<StoreEvent> backlog, int capacity)
    {
        _hub = hub;
        _from = from;
        Backlog = backlog;
        _queue = Channel.CreateBounded<StoreEvent>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>Events from before the subscription; to be delivered before those of the queue.</summary>
    public IReadOnlyList<StoreEvent> Backlog { get; }

    public ChannelReader<StoreEvent> Events => _queue.Reader;

    public CancellationToken Overflowed => _overflow.Token;

    public bool Offer(StoreEvent e)
    {
        if (e.ResourceVersion <= _from || _queue.Writer.TryWrite(e))
            return true;
        _queue.Writer.TryComplete();
        // Off the writer thread: callbacks of the token abort a connection.
        _ = _overflow.CancelAsync();
        return false;
    }

    public void Dispose() => _hub.Unsubscribe(this);
}
