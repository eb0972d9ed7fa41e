using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace Troupe.DevCluster.Store;

/// <summary>
/// All objects: in memory for reading, in SQLite for keeping. One thread writes; it takes whatever has queued up meanwhile as one
/// transaction (group commit) and makes it visible only once it is committed, so nothing that anyone has seen can be lost by a
/// kill. WAL with synchronous=NORMAL: a committed transaction is in the page cache and survives the process, not a power failure.
/// </summary>
internal sealed class ObjectStore : IAsyncDisposable
{
    private const int MaxBatch = 512;

    private readonly SqliteConnection _connection;
    private readonly BlockingCollection<Pending> _queue = [];
    private readonly ConcurrentDictionary<string, WatchHub> _hubs = new();
    private readonly Thread _writer;
    private readonly int _historyLength;
    private readonly long _historyBytes;
    private readonly long _loadedAt;
    private readonly ILogger _log;
    private StoreState _state;
    private long _published;
    private long _nextId;

    public ObjectStore(string path, int historyLength, long historyBytes, ILogger log)
    {
        _historyLength = historyLength;
        _historyBytes = historyBytes;
        _log = log;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000; PRAGMA locking_mode=EXCLUSIVE;");
        Execute("""
            CREATE TABLE IF NOT EXISTS objects(id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, rv INTEGER NOT NULL, body BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS tables(name TEXT PRIMARY KEY, last_rv INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS clock(one INTEGER PRIMARY KEY CHECK (one = 1), rv INTEGER NOT NULL);
            """);
        _state = Load();
        _loadedAt = _state.ResourceVersion;
        _published = _loadedAt;
        _writer = new Thread(Write) { IsBackground = true, Name = "store-writer" };
        _writer.Start();
    }

    /// <summary>Called on the writer thread for every committed event, before its writer is answered.</summary>
    public event Action<StoreEvent>? Committed;

    public StoreState State => Volatile.Read(ref _state);

    /// <summary>Every event up to this resourceVersion has been handed to the watchers.</summary>
    public long Published => Volatile.Read(ref _published);

    public WatchHub Hub(string table) =>
        // A table that had no write before this process started can't have lost any event of it.
        _hubs.GetOrAdd(table, _ => new WatchHub(0, _historyLength, _historyBytes));

    public void Compact()
    {
        foreach (var hub in _hubs.Values)
            hub.Compact();
    }

    public Task<WriteResult> CreateAsync(string table, string ns, string name, ObjectBody body) =>
        Enqueue(new Pending(WriteKind.Create, table, ns, name, body, 0));

    /// <summary>Only if the object's version is still <paramref name="expected"/>.</summary>
    public Task<WriteResult> UpdateAsync(StoredObject expected, ObjectBody body) =>
        Enqueue(new Pending(WriteKind.Update, expected.Table, expected.Namespace, expected.Name, body, expected.ResourceVersion));

    /// <summary>Only if the object's version is still <paramref name="expected"/>; the body is what watchers see as its last state.</summary>
    public Task<WriteResult> DeleteAsync(StoredObject expected, ObjectBody body) =>
        Enqueue(new Pending(WriteKind.Delete, expected.Table, expected.Namespace, expected.Name, body, expected.ResourceVersion));

    public async ValueTask DisposeAsync()
    {
        _queue.CompleteAdding();
        await Task.Run(_writer.Join);
        await _connection.DisposeAsync();
        _queue.Dispose();
    }

    private Task<WriteResult> Enqueue(Pending pending)
    {
        try
        {
            _queue.Add(pending);
        }
        catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException)
        {
            throw Api.ApiException.Unavailable("the server is shutting down");
        }
        return pending.Done.Task;
    }

    private StoreState Load()
    {
        long clock = 0;
        using (var command = _connection.CreateCommand())
        {
            command.CommandText = "SELECT rv FROM clock";
            clock = command.ExecuteScalar() is long rv ? rv : 0;
        }
        var tables = new Dictionary<string, Dictionary<string, Dictionary<string, StoredObject>>>();
        using (var command = _connection.CreateCommand())
        {
            command.CommandText = "SELECT id, tbl, ns, name, rv, body FROM objects";
            using var row = command.ExecuteReader();
            while (row.Read())
            {
                var obj = new StoredObject(row.GetInt64(0), string.Intern(row.GetString(1)), string.Intern(row.GetString(2)), row.GetString(3), row.GetInt64(4), (byte[])row[5]);
                _nextId = Math.Max(_nextId, obj.Id);
                ref var table = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(tables, obj.Table, out _);
                table ??= [];
                ref var space = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(table, obj.Namespace, out _);
                space ??= [];
                space[obj.Name] = obj;
            }
        }
        using (var command = _connection.CreateCommand())
        {
            command.CommandText = "SELECT name, last_rv FROM tables";
            using var row = command.ExecuteReader();
            while (row.Read())
                _hubs[row.GetString(0)] = new WatchHub(row.GetInt64(1), _historyLength, _historyBytes);
        }
        var loaded = ImmutableDictionary.CreateBuilder<string, TableState>();
        foreach (var (name, spaces) in tables)
        {
            var state = new TableState(
                spaces.ToImmutableSortedDictionary(s => s.Key, s => s.Value.ToImmutableSortedDictionary(StringComparer.Ordinal), StringComparer.Ordinal),
                spaces.Values.Sum(s => s.Count));
            loaded[name] = state;
            Hub(name).Load(state);
        }
        return new StoreState(Math.Max(clock, 1), loaded.ToImmutable());
    }

    private void Write()
    {
        var batch = new List<Pending>(MaxBatch);
        using var insert = Command("INSERT INTO objects(id, tbl, ns, name, rv, body) VALUES ($id, $tbl, $ns, $name, $rv, $body)", "$id", "$tbl", "$ns", "$name", "$rv", "$body");
        using var update = Command("UPDATE objects SET rv = $rv, body = $body WHERE id = $id", "$id", "$rv", "$body");
        using var delete = Command("DELETE FROM objects WHERE id = $id", "$id");
        using var touch = Command("INSERT INTO tables(name, last_rv) VALUES ($name, $rv) ON CONFLICT(name) DO UPDATE SET last_rv = excluded.last_rv", "$name", "$rv");
        using var clock = Command("INSERT INTO clock(one, rv) VALUES (1, $rv) ON CONFLICT(one) DO UPDATE SET rv = excluded.rv", "$rv");
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < MaxBatch && _queue.TryTake(out var next))
                batch.Add(next);
            try
            {
                Commit(batch, insert, update, delete, touch, clock);
            }
            catch (Exception e)
            {
                _log.LogError(e, "A batch of {Count} writes failed", batch.Count);
                foreach (var pending in batch)
                    pending.Done.TrySetException(Api.ApiException.Internal("storage: " + e.Message));
            }
        }
    }

    private void Commit(List<Pending> batch, SqliteCommand insert, SqliteCommand update, SqliteCommand delete, SqliteCommand touch, SqliteCommand clock)
    {
        var state = _state;
        var rv = state.ResourceVersion;
        var tables = state.Tables.ToBuilder();
        var results = new WriteResult[batch.Count];
        var events = new List<(StoreEvent Event, TableState Table)>(batch.Count);
        using var transaction = _connection.BeginTransaction();
        for (var i = 0; i < batch.Count; i++)
        {
            var write = batch[i];
            var table = tables.GetValueOrDefault(write.Table, TableState.Empty);
            var current = table.Find(write.Namespace, write.Name);
            var outcome = write.Kind switch
            {
                WriteKind.Create when current is not null => WriteOutcome.AlreadyExists,
                WriteKind.Create => WriteOutcome.Done,
                _ when current is null => WriteOutcome.NotFound,
                _ when current.ResourceVersion != write.Expected => WriteOutcome.Modified,
                _ => WriteOutcome.Done,
            };
            if (outcome != WriteOutcome.Done)
            {
                results[i] = new WriteResult(outcome, current);
                continue;
            }
            rv++;
            var obj = new StoredObject(current?.Id ?? ++_nextId, write.Table, write.Namespace, write.Name, rv, write.Body.Materialize(rv));
            var bytes = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(obj.Json, out var segment) ? segment.Array! : obj.Json.ToArray();
            switch (write.Kind)
            {
                case WriteKind.Create:
                    Run(insert, transaction, obj.Id, obj.Table, obj.Namespace, obj.Name, rv, bytes);
                    table = table.With(obj);
                    break;
                case WriteKind.Update:
                    Run(update, transaction, obj.Id, rv, bytes);
                    table = table.With(obj);
                    break;
                default:
                    Run(delete, transaction, obj.Id);
                    table = table.Without(obj.Namespace, obj.Name);
                    break;
            }
            tables[write.Table] = table;
            var type = write.Kind switch { WriteKind.Create => StoreEventType.Added, WriteKind.Update => StoreEventType.Modified, _ => StoreEventType.Deleted };
            events.Add((new StoreEvent(type, obj, current), table));
            results[i] = new WriteResult(WriteOutcome.Done, obj);
        }
        if (events.Count > 0)
        {
            foreach (var table in events.Select(e => e.Event.Object.Table).Distinct())
                Run(touch, transaction, table, rv);
            Run(clock, transaction, rv);
        }
        transaction.Commit();
        Volatile.Write(ref _state, new StoreState(rv, tables.ToImmutable()));
        foreach (var (e, table) in events)
        {
            Committed?.Invoke(e);
            Hub(e.Object.Table).Publish(e, table);
        }
        Volatile.Write(ref _published, rv);
        for (var i = 0; i < batch.Count; i++)
            batch[i].Done.TrySetResult(results[i]);
    }

    private static void Run(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, params string[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var parameter in parameters)
            command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        return command;
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed record Pending(WriteKind Kind, string Table, string Namespace, string Name, ObjectBody Body, long Expected)
    {
        public TaskCompletionSource<WriteResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
