using System.Threading.Channels;
using Akka.Actor;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Kubernetes.Reconciling;
using Xunit;

namespace Troupe.Kubernetes.Tests.Reconciling;

public sealed class ReconcilingActorTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ActorSystem _system = ActorSystem.Create("reconciling", "akka { loglevel = ERROR, stdout-loglevel = ERROR }");
    private readonly Channel<TaskCompletionSource<ReconcileResult>> _runs = Channel.CreateUnbounded<TaskCompletionSource<ReconcileResult>>();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await _system.Terminate();

    [Fact]
    public async Task However_many_triggers_come_while_it_runs_one_more_run_follows()
    {
        var actor = Start();
        actor.Tell("go");
        var first = await Run();
        for (var i = 0; i < 100; i++)
            actor.Tell("go");
        // The answer of an Ask shows that all of them were taken in.
        await actor.Ask<string>("echo", Patience);
        Assert.False(_runs.Reader.TryPeek(out _), "a second run beside the first");

        first.SetResult(ReconcileResult.Done);
        (await Run()).SetResult(ReconcileResult.Done);
        await actor.Ask<string>("echo", Patience);
        Assert.False(_runs.Reader.TryPeek(out _), "a third run");
    }

    [Fact]
    public async Task A_failure_is_tried_again_without_a_trigger()
    {
        Start().Tell("go");
        (await Run()).SetException(new InvalidOperationException("first"));
        (await Run()).SetException(new InvalidOperationException("second"));
        (await Run()).SetResult(ReconcileResult.Done);
    }

    [Fact]
    public async Task It_looks_again_when_asked_to()
    {
        Start().Tell("go");
        (await Run()).SetResult(new ReconcileResult(TimeSpan.FromMilliseconds(50)));
        (await Run()).SetResult(ReconcileResult.Done);
    }

    private async Task<TaskCompletionSource<ReconcileResult>> Run() => await _runs.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    private IActorRef Start() => _system.ActorOf(Props.Create(() => new Scripted(_runs.Writer)));

    private sealed class Scripted(ChannelWriter<TaskCompletionSource<ReconcileResult>> runs) : ReconcilingActor(NullLogger.Instance)
    {
        protected override Task<ReconcileResult> ReconcileAsync(CancellationToken ct)
        {
            var run = new TaskCompletionSource<ReconcileResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            runs.TryWrite(run);
            return run.Task;
        }

        protected override bool Observe(object message)
        {
            if (message is "echo")
                Sender.Tell("echo");
            return message is "go";
        }
    }
}
