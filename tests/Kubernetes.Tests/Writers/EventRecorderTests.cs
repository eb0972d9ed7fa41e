using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Tests.Support;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Xunit;
using static Troupe.Kubernetes.Tests.Support.ScriptedClient;

namespace Troupe.Kubernetes.Tests.Writers;

public sealed class EventRecorderTests
{
    private static readonly ObjectReference About = new()
    {
        Kind = "VirtualMachineInstance",
        Name = "demo",
        Namespace = "default",
        Uid = "uid",
    };

    [Fact]
    public async Task A_repeated_event_raises_the_count_of_the_first()
    {
        var counts = new List<int>();
        var client = new ScriptedClient { OnPatch = (name, patch) => Counted(counts, (int)patch["count"]!, name) };
        await using var recorder = Recorder(client);
        recorder.Record(About, "Normal", "Started", "started");
        Assert.Equal("create", await client.Calls.ReadAsync());
        recorder.Record(About, "Normal", "Started", "started");
        Assert.Equal("patch", await client.Calls.ReadAsync());
        recorder.Record(About, "Normal", "Stopped", "stopped");
        Assert.Equal("create", await client.Calls.ReadAsync());
        Assert.Equal([2], counts);
    }

    [Fact]
    public async Task What_repeats_while_the_writer_is_busy_becomes_one_write()
    {
        var gate = new TaskCompletionSource();
        var written = new List<Event>();
        var client = new ScriptedClient
        {
            OnCreate = o =>
            {
                gate.Task.Wait();
                written.Add((Event)o);
                return o;
            },
        };
        await using (var recorder = Recorder(client))
        {
            recorder.Record(About, "Normal", "First", "holds the writer");
            Assert.Equal("create", await client.Calls.ReadAsync());
            for (var i = 0; i < 50; i++)
                recorder.Record(About, "Warning", "FailedCreate", "no quota");
            gate.SetResult();
        }

        Assert.Equal([("First", 1), ("FailedCreate", 50)], written.Select(e => (e.Reason!, e.Count!.Value)));
    }

    [Fact]
    public async Task A_server_that_is_busy_or_away_is_asked_again()
    {
        var failures = new Queue<Exception>([new HttpRequestException("refused"), Refusal(429, "TooManyRequests"), Refusal(500, "InternalError")]);
        var client = new ScriptedClient { OnCreate = o => failures.TryDequeue(out var failure) ? throw failure : o };
        await using var recorder = Recorder(client);
        recorder.Record(About, "Normal", "Started", "started");
        for (var i = 0; i < 4; i++)
            Assert.Equal("create", await client.Calls.ReadAsync());
        Assert.Empty(failures);
    }

    [Fact]
    public async Task An_event_that_expired_is_written_anew()
    {
        var client = new ScriptedClient { OnPatch = (name, _) => throw Refusal(404, "NotFound", name) };
        await using var recorder = Recorder(client);
        recorder.Record(About, "Normal", "Started", "started");
        Assert.Equal("create", await client.Calls.ReadAsync());
        recorder.Record(About, "Normal", "Started", "started");
        Assert.Equal("patch", await client.Calls.ReadAsync());
        Assert.Equal("create", await client.Calls.ReadAsync());
    }

    [Fact]
    public async Task One_that_is_refused_does_not_hold_up_the_next()
    {
        var client = new ScriptedClient { OnCreate = o => ((Event)o).Reason == "Bad" ? throw Refusal(422, "Invalid") : o };
        await using var recorder = Recorder(client);
        recorder.Record(About, "Normal", "Bad", "refused");
        recorder.Record(About, "Normal", "Good", "taken");
        Assert.Equal("create", await client.Calls.ReadAsync());
        Assert.Equal("create", await client.Calls.ReadAsync());
    }

    private static EventRecorder Recorder(IKubeClient client) => new(client, "test", "host", TimeProvider.System, NullLogger.Instance);

    private static Event Counted(List<int> counts, int count, string name)
    {
        counts.Add(count);
        return new Event
        {
            Metadata = new Messages.Api.Meta.ObjectMeta { Name = name, Namespace = "default" },
            Count = count,
            LastTimestamp = DateTimeOffset.UtcNow,
        };
    }
}
