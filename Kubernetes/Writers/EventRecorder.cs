using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Writers;

/// <summary>
/// Writes Kubernetes events in the background. A repeated event (same object, type, reason and message) within <see cref="RepeatWindow"/>
/// raises the count of the one that exists; what repeats while the writer is busy becomes one write. The queue is bounded: events
/// are help for people, never a reason to hold the caller up.
/// </summary>
public sealed class EventRecorder : IAsyncDisposable
{
    public static readonly TimeSpan RepeatWindow = TimeSpan.FromMinutes(10);
    private const int QueueLength = 1000;
    private const int RememberedEvents = 4096;
    private const int Attempts = 5;

    private readonly IKubeClient _client;
    private readonly string _component;
    private readonly string _host;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<(ObjectReference About, string Type, string Reason, string Message, DateTimeOffset At)> _queue =
        Channel.CreateBounded<(ObjectReference, string, string, string, DateTimeOffset)>(new BoundedChannelOptions(QueueLength) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly Dictionary<(string?, string, string, string), Event> _recent = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _worker;

    /// <param name="component">`source.component`, for example `virtualmachine-controller`.</param>
    public EventRecorder(IKubeClient client, string component, string host, TimeProvider time, ILogger log)
    {
        (_client, _component, _host, _time, _log) = (client, component, host, time, log);
        _worker = Task.Run(WorkAsync);
    }

    /// <param name="type">`Normal` or `Warning`.</param>
    /// <param name="at">When it happened, if not now.</param>
    public void Record(ObjectReference about, string type, string reason, string message, DateTimeOffset? at = null) =>
        _queue.Writer.TryWrite((about, type, reason, message, at ?? _time.GetUtcNow()));

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        _stop.CancelAfter(TimeSpan.FromSeconds(2));
        await _worker.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                foreach (var group in Waiting().GroupBy(e => (e.About.Uid, e.Type, e.Reason, e.Message)))
                    await WriteAsync(group.Key, group.First().About, group.Count(), group.First().At, group.Last().At).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what is still queued after the grace is lost, as events may be.
        }
    }

    /// <summary>All that is queued now.</summary>
    private List<(ObjectReference About, string Type, string Reason, string Message, DateTimeOffset At)> Waiting()
    {
        List<(ObjectReference, string, string, string, DateTimeOffset)> waiting = [];
        while (_queue.Reader.TryRead(out var e))
            waiting.Add(e);
        return waiting;
    }

    private async Task WriteAsync((string? Uid, string Type, string Reason, string Message) key, ObjectReference about, int count, DateTimeOffset first, DateTimeOffset last)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            try
            {
                _recent[key] = _recent.TryGetValue(key, out var known) && last - known.LastTimestamp < RepeatWindow
                    ? await RepeatAsync(known, count, last).ConfigureAwait(false)
                    : await _client.CreateAsync(New(about, key.Type, key.Reason, key.Message, count, first, last), _stop.Token).ConfigureAwait(false);
                Forget(last);
                return;
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                // The event expired, or its namespace is going.
                if (!_recent.Remove(key))
                    return;
            }
            catch (Exception e) when (e is KubeException { IsTransient: true } or HttpRequestException)
            {
                await Task.Delay(backoff.Next(), _time, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is KubeException or JsonException)
            {
                _log.LogWarning("event {Reason} about {Kind} {Name} was refused: {Error}", key.Reason, about.Kind, about.Name, e.Message);
                return;
            }
        }

        _log.LogWarning("event {Reason} about {Kind} {Name} could not be written", key.Reason, about.Kind, about.Name);
    }

    private Task<Event> RepeatAsync(Event known, int count, DateTimeOffset at) =>
        _client.PatchAsync<Event>(known.Metadata.Namespace, known.Metadata.Name!, PatchType.Merge, new JsonObject
        {
            ["count"] = (known.Count ?? 1) + count,
            ["lastTimestamp"] = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        }, ct: _stop.Token);

    private Event New(ObjectReference about, string type, string reason, string message, int count, DateTimeOffset first, DateTimeOffset last) => new()
    {
        // client-go names events by the object and the time in hexadecimal nanoseconds.
        Metadata = new ObjectMeta { Namespace = about.Namespace ?? "default", Name = $"{about.Name}.{first.UtcTicks:x}{Random.Shared.Next(0x1000):x3}" },
        InvolvedObject = about,
        Type = type,
        Reason = reason,
        Message = message,
        Count = count,
        FirstTimestamp = first,
        LastTimestamp = last,
        Source = new EventSource { Component = _component, Host = _host },
        ReportingComponent = _component,
        ReportingInstance = _host,
    };

    private void Forget(DateTimeOffset now)
    {
        if (_recent.Count <= RememberedEvents)
            return;
        foreach (var key in _recent.Where(r => now - r.Value.LastTimestamp > RepeatWindow).Select(r => r.Key).ToList())
            _recent.Remove(key);
        if (_recent.Count > RememberedEvents)
            _recent.Clear();
    }
}
