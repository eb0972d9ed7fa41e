using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.ControlPlane.Vmi;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

internal enum ReplicaSetCall
{
    Create,
    Delete,
    WriteStatus,
}

/// <summary>Owner of one VirtualMachineInstanceReplicaSet; a shell around <see cref="ReplicaSetLifecycle"/>.</summary>
public sealed class ReplicaSetActor : ReceiveActor, IWithTimers
{
    // Enough to fill a cluster quickly, few enough to leave the API server room for others.
    private const int Parallel = 8;
    private readonly MachineActorServices _services;
    private readonly ApiCalls<ReplicaSetCall> _calls = new();
    private ReplicaSetState _state;

    public ReplicaSetActor(string uid, MachineActorServices services)
    {
        _services = services;
        _state = new ReplicaSetState(uid);
        Receive<IReplicaSetMessage>(m => Change(s => s.Observe(m)));
        Receive<Made>(m => Change(s => s.With(m.Instance) with { Failure = null }));
        Receive<Deleting>(m => Change(s => s.With(m.Instance)));
        Receive<Refused>(m => Change(s => s with { Failure = m.Failure }));
        Receive<WriteStatus>(_ => Write());
        Receive<TryAgain>(again =>
        {
            _calls.Release(again.Call);
            Proceed();
        });
        Receive<Called>(OnCalled);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string uid, MachineActorServices services) => Akka.Actor.Props.Create(() => new ReplicaSetActor(uid, services));

    protected override void PostStop()
    {
        _calls.Dispose();
        base.PostStop();
    }

    private void Change(Func<ReplicaSetState, ReplicaSetState> change)
    {
        _state = change(_state);
        Proceed();
    }

    private void Proceed()
    {
        if (ReplicaSetLifecycle.Decide(_state, _services.Time.GetUtcNow()) is not { } decision)
            return;
        if (decision.Retire)
        {
            Context.Parent.Tell(new Akka.Cluster.Sharding.Passivate(PoisonPill.Instance));
            return;
        }

        if (decision.Create > 0)
            Create(decision.Create);
        if (decision.Delete.Count > 0)
            Delete(decision.Delete);
        if (_calls.IsFree(ReplicaSetCall.WriteStatus) && !Timers.IsTimerActive(nameof(WriteStatus)) && Patch(decision) is not null)
            Timers.StartSingleTimer(nameof(WriteStatus), WriteStatus.Instance, MachineActor.WriteDelay);
    }

    private void Create(int count)
    {
        var (set, self) = (_state.ReplicaSet!, Self);
        Do(ReplicaSetCall.Create, ct => InParallel(Enumerable.Range(0, count), async (_, token) =>
        {
            try
            {
                var made = await _services.Kubernetes.CreateAsync(ReplicaSetLifecycle.Make(set), token).ConfigureAwait(false);
                _services.Events.Record(About(set), "Normal", "SuccessfulCreate", $"Started the virtual machine by creating the new virtual machine instance {made.Metadata.Name}");
                self.Tell(new Made(made));
            }
            catch (KubeException e)
            {
                _services.Events.Record(About(set), "Warning", "FailedCreate", $"Error creating virtual machine instance: {e.Message}");
                self.Tell(new Refused(new SyncFailure("FailedCreate", e.Message)));
                throw;
            }
        }, ct));
    }

    private void Delete(IReadOnlyList<VirtualMachineInstance> instances)
    {
        var (set, self, now) = (_state.ReplicaSet!, Self, _services.Time.GetUtcNow());
        Do(ReplicaSetCall.Delete, ct => InParallel(instances, async (instance, token) =>
        {
            try
            {
                await _services.Kubernetes.DeleteAsync<VirtualMachineInstance>(instance.Metadata.Namespace, instance.Metadata.Name!, new DeleteQuery(instance.Metadata.Uid), token).ConfigureAwait(false);
                _services.Events.Record(About(set), "Normal", "SuccessfulDelete", $"Stopped the virtual machine by deleting the virtual machine instance {instance.Metadata.Uid}");
                self.Tell(new Deleting(instance with { Metadata = instance.Metadata with { DeletionTimestamp = now } }));
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                self.Tell(new ReplicaGone(set.Metadata.Uid!, instance.Metadata.Uid!));
            }
        }, ct));
    }

    private void Write()
    {
        if (ReplicaSetLifecycle.Decide(_state, _services.Time.GetUtcNow()) is not { Retire: false } decision || Patch(decision) is not { } patch)
            return;
        var (set, self) = (_state.ReplicaSet!, Self);
        Do(ReplicaSetCall.WriteStatus, async ct =>
        {
            var written = await _services.Kubernetes.PatchAsync<VirtualMachineInstanceReplicaSet>(set.Metadata.Namespace, set.Metadata.Name!, PatchType.Merge, patch, "status", ct: ct).ConfigureAwait(false);
            self.Tell(new ReplicaSetObserved(written.Metadata.Uid!, written));
        });
    }

    private JsonObject? Patch(ReplicaSetDecision decision) =>
        MergePatch.Between(Json(_state.ReplicaSet!.Status ?? new VirtualMachineInstanceReplicaSetStatus()), Json(decision.Status)) is { } status
            ? new JsonObject { ["metadata"] = new JsonObject { ["uid"] = _state.Uid }, ["status"] = status }
            : null;

    private void Do(ReplicaSetCall call, Func<CancellationToken, Task> work)
    {
        if (!_calls.Begin(call))
            return;
        var ct = _calls.Stopped;
        Attempt().PipeTo(Self);

        async Task<Called> Attempt()
        {
            try
            {
                await work(ct).ConfigureAwait(false);
                return new Called(call, null);
            }
            catch (Exception e)
            {
                return new Called(call, e);
            }
        }
    }

    private void OnCalled(Called called)
    {
        if (called.Error is OperationCanceledException && _calls.Stopped.IsCancellationRequested)
            return;
        var retry = _calls.End(called.Call, called.Error is not null);
        if (called.Error is { } error)
        {
            _services.Log.LogWarning("replica set {Uid}: {Call} failed, again in {Delay}: {Error}", _state.Uid, called.Call, retry, error.Message);
            Timers.StartSingleTimer($"retry-{called.Call}", new TryAgain(called.Call), retry);
        }

        Proceed();
    }

    /// <summary>The first error ends it; what is left is decided anew.</summary>
    private static Task InParallel<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> each, CancellationToken ct) =>
        System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = ct }, async (item, token) => await each(item, token).ConfigureAwait(false));

    private static JsonObject Json(VirtualMachineInstanceReplicaSetStatus status) => JsonSerializer.SerializeToNode(status, ApiJson.Default.VirtualMachineInstanceReplicaSetStatus)!.AsObject();

    private static ObjectReference About(VirtualMachineInstanceReplicaSet set) => new()
    {
        ApiVersion = MachineVocabulary.ApiVersion,
        Kind = "VirtualMachineInstanceReplicaSet",
        Uid = set.Metadata.Uid,
        Name = set.Metadata.Name,
        Namespace = set.Metadata.Namespace,
        ResourceVersion = set.Metadata.ResourceVersion,
    };

    private sealed record Made(VirtualMachineInstance Instance) : INoSerializationVerificationNeeded;

    private sealed record Deleting(VirtualMachineInstance Instance) : INoSerializationVerificationNeeded;

    private sealed record Refused(SyncFailure Failure) : INoSerializationVerificationNeeded;

    private sealed record Called(ReplicaSetCall Call, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record TryAgain(ReplicaSetCall Call) : INoSerializationVerificationNeeded;

    private sealed class WriteStatus
    {
        public static readonly WriteStatus Instance = new();
    }
}
