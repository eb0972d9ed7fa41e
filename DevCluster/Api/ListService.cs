using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

internal sealed record ListPage(IReadOnlyList<StoredObject> Items, long ResourceVersion, string? Continue, long? Remaining);

/// <summary>One event of a watch: an object, a bookmark (no object) or an error (a Status).</summary>
internal readonly record struct WatchFrame(string Type, StoredObject? Object, long BookmarkVersion = 0, bool InitialEventsEnd = false, JsonObject? Error = null);

/// <summary>list and watch, the same for every kind.</summary>
internal sealed class ListService(ObjectStore store, TimeProvider time, TimeSpan bookmarkInterval, int watchQueueLength)
{
    private const string TokenVersion = "meta.k8s.io/v1";

    /// <summary>Before the end of the watch.</summary>
    private static readonly TimeSpan LastBookmark = TimeSpan.FromSeconds(2);

    public ListPage List(ResourceDefinition definition, string? ns, ListOptions options)
    {
        var query = new Query(definition, ns, options);
        CheckMatch(options);
        var state = store.State;
        var table = state.Table(definition.Table);
        var version = state.ResourceVersion;
        IEnumerable<StoredObject> objects;
        if (options.Continue is { Length: > 0 } token)
        {
            var (from, afterNs, afterName) = ReadToken(token);
            table = store.Hub(definition.Table).At(from)
                ?? throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
            version = from;
            objects = table.After(afterNs, afterName, ns);
        }
        else
        {
            var asked = ParseVersion(options.ResourceVersion);
            if (asked > state.ResourceVersion)
                throw TooLarge(asked, state.ResourceVersion);
            if (asked > 0 && options.ResourceVersionMatch == "Exact")
            {
                table = store.Hub(definition.Table).At(asked)
                    ?? throw ApiException.Expired($"The resourceVersion for the provided list is too old.");
                version = asked;
            }
            objects = query.Name is { } name && ns is not null
                ? table.Find(ns, name) is { } one ? [one] : []
                : table.All(ns);
        }
        if (!query.SelectsAll)
            objects = objects.Where(query.Matches);
        var items = objects.ToList();
        if (options.Limit is not { } limit || limit <= 0 || items.Count <= limit)
            return new ListPage(items, version, null, null);
        var page = items.Take((int)limit).ToList();
        return new ListPage(page, version, WriteToken(version, page[^1]), query.SelectsAll ? items.Count - limit : null);
    }

    /// <param name="definition">What to watch.</param>
    /// <param name="ns">Null for all namespaces.</param>
    /// <param name="options">As given by the client.</param>
    /// <param name="onOverflow">The reader is too slow and is cut off: called from another thread, as the reader itself may hang in a write.</param>
    /// <param name="ct">Ends the watch without an error.</param>
    public async IAsyncEnumerable<WatchFrame> WatchAsync(
        ResourceDefinition definition, string? ns, ListOptions options, Action? onOverflow, [EnumeratorCancellation] CancellationToken ct)
    {
        var query = new Query(definition, ns, options);
        var asked = ParseVersion(options.ResourceVersion);
        if (options.SendInitialEvents is not null && options.ResourceVersionMatch != "NotOlderThan")
        {
            throw ApiException.Invalid("meta.k8s.io", "ListOptions", "",
                [new("FieldValueForbidden", "Forbidden: resourceVersionMatch must be set to \"NotOlderThan\" when sendInitialEvents is set", "resourceVersionMatch")]);
        }
        if (options.SendInitialEvents is null && options.ResourceVersionMatch is { Length: > 0 })
        {
            throw ApiException.Invalid("meta.k8s.io", "ListOptions", "",
                [new("FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided", "resourceVersionMatch")]);
        }
        var state = store.State;
        var initial = options.SendInitialEvents ?? asked == 0;
        var from = initial || asked == 0 ? state.ResourceVersion : asked;
        using var watcher = store.Hub(definition.Table).Subscribe(from, watchQueueLength);
        if (watcher is null)
        {
            yield return new WatchFrame("ERROR", null, Error: ApiException.Expired($"too old resource version: {asked} ({state.ResourceVersion})").ToStatus());
            yield break;
        }
        using var overflow = onOverflow is null ? default : watcher.Overflowed.Register(onOverflow);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        // Without a wish: 30 to 60 minutes, spread so that clients don't come back all at once.
        var lifetime = TimeSpan.FromSeconds(options.TimeoutSeconds is > 0 and var seconds ? seconds : Random.Shared.Next(1800, 3600));
        deadline.CancelAfter(lifetime);
        var end = time.GetUtcNow() + lifetime;

        if (initial)
        {
            foreach (var obj in state.Table(definition.Table).All(ns))
            {
                if (query.Matches(obj))
                    yield return new WatchFrame("ADDED", obj);
            }
            if (options.SendInitialEvents == true)
                yield return new WatchFrame("BOOKMARK", null, state.ResourceVersion, InitialEventsEnd: true);
        }
        foreach (var e in watcher.Backlog)
        {
            if (query.Frame(e) is { } frame)
                yield return frame;
        }

        Task<bool>? wait = null;
        Task? tick = null;
        while (true)
        {
            // Taken before the queue is emptied: everything up to here was queued by then.
            var safe = store.Published;
            while (watcher.Events.TryRead(out var e))
            {
                if (query.Frame(e) is { } frame)
                    yield return frame;
            }
            if (tick is { IsCompletedSuccessfully: true })
            {
                tick = null;
                yield return new WatchFrame("BOOKMARK", null, Math.Max(safe, from));
            }
            wait ??= watcher.Events.WaitToReadAsync(deadline.Token).AsTask();
            if (options.AllowWatchBookmarks)
                tick ??= Task.Delay(UntilBookmark(end), time, deadline.Token);
            await Task.WhenAny(wait, tick ?? wait);
            if (deadline.IsCancellationRequested || wait.IsFaulted || wait.IsCanceled)
                yield break;
            if (!wait.IsCompleted)
                continue;
            if (!await wait)
                yield break;
            wait = null;
        }
    }

    /// <summary>A last bookmark comes shortly before the end, so that the next watch starts where this one stopped.</summary>
    private TimeSpan UntilBookmark(DateTimeOffset end)
    {
        var last = end - time.GetUtcNow() - LastBookmark;
        return last > TimeSpan.Zero && last < bookmarkInterval ? last : bookmarkInterval;
    }

    private static void CheckMatch(ListOptions options)
    {
        if (options.ResourceVersionMatch is not { Length: > 0 } match)
            return;
        void Refuse(string reason, string message) => throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", [new(reason, message, "resourceVersionMatch")]);
        if (match is not ("Exact" or "NotOlderThan"))
            Refuse("FieldValueNotSupported", $"Unsupported value: \"{match}\": supported values: \"Exact\", \"NotOlderThan\", \"\"");
        if (string.IsNullOrEmpty(options.ResourceVersion))
            Refuse("FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (options.Continue is { Length: > 0 })
            Refuse("FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden when continue is provided");
        if (match == "Exact" && options.ResourceVersion == "0")
            Refuse("FieldValueForbidden", "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
    }

    private static long ParseVersion(string? text) =>
        string.IsNullOrEmpty(text) ? 0
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version
        : throw ApiException.BadRequest($"invalid resource version \"{text}\"");

    private static ApiException TooLarge(long asked, long current) =>
        new(504, "Timeout", $"Timeout: Too large resource version: {asked}, current: {current}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
            ["retryAfterSeconds"] = 1L,
        });

    private static string WriteToken(long version, StoredObject last) => Convert.ToBase64String(new JsonObject
    {
        ["v"] = TokenVersion,
        ["rv"] = version,
        ["ns"] = last.Namespace,
        ["name"] = last.Name,
    }.ToUtf8()).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static (long Version, string Namespace, string Name) ReadToken(string token)
    {
        try
        {
            var padded = token.Replace('-', '+').Replace('_', '/');
            var json = JsonReader.ParseObject(Convert.FromBase64String(padded + new string('=', (4 - (padded.Length % 4)) % 4)));
            if (json.Str("v") == TokenVersion && json.Int("rv") is { } rv && json.Str("ns") is { } ns && json.Str("name") is { } name)
                return (rv, ns, name);
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            // Falls through: any broken token is the same bad request.
        }
        throw ApiException.BadRequest("continue key is not valid");
    }

    private sealed class Query(ResourceDefinition definition, string? ns, ListOptions options)
    {
        private readonly LabelSelector _labels = LabelSelector.Parse(options.LabelSelector);
        private readonly FieldSelector _fields = FieldSelector.Parse(options.FieldSelector, definition.SelectableFields, definition.IsCustom);

        public bool SelectsAll => _labels.Requirements.Count == 0 && _fields.Requirements.Count == 0;

        public string? Name => _fields.ExactName;

        public bool Matches(StoredObject obj) =>
            (ns is null || obj.Namespace == ns)
            && (_fields.Requirements.Count == 0 || _fields.Matches(path => Field(obj, path)))
            && (_labels.Requirements.Count == 0 || _labels.Matches(obj.Index.Labels));

        /// <summary>As the watcher sees it: an object that leaves the selection is deleted, one that enters is added.</summary>
        public WatchFrame? Frame(StoreEvent e)
        {
            if (ns is not null && e.Object.Namespace != ns)
                return null;
            if (e.Type == StoreEventType.Added)
                return Matches(e.Object) ? new WatchFrame("ADDED", e.Object) : null;
            var before = SelectsAll || (e.Previous is { } previous && Matches(previous));
            if (e.Type == StoreEventType.Deleted)
                return before ? new WatchFrame("DELETED", e.Object) : null;
            var after = SelectsAll || Matches(e.Object);
            return (before, after) switch
            {
                (true, true) => new WatchFrame("MODIFIED", e.Object),
                (false, true) => new WatchFrame("ADDED", e.Object),
                (true, false) => new WatchFrame("DELETED", e.Object),
                _ => null,
            };
        }

        /// <summary>regarding.* of events.k8s.io is stored as involvedObject.*.</summary>
        private static string Field(StoredObject obj, string path) =>
            obj.Field(path.StartsWith("regarding.", StringComparison.Ordinal) ? "involvedObject." + path[10..] : path == "source" ? "source.component" : path);
    }
}
