using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.ReplicaSets;

public enum ReplicaSetCall
{
    Create,
    Delete,
    Release,
    WriteStatus,
}

/// <summary>Owner of one VirtualMachineInstanceReplicaSet; a shell around <see cref="ReplicaSetLifecycle"/>.</summary>
public sealed class ReplicaSetActor : OwnerActor<ReplicaSetState, ReplicaSetCall>
{
    // Enough to fill a cluster quickly, few enough to leave the API server room for others.
    internal const int Parallel = 8;
    private readonly MachineActorServices _services;

    public ReplicaSetActor(string uid, MachineActorServices services) : base(new ReplicaSetState(uid), $"replica set {uid}", ReplicaSetCall.WriteStatus, services.Log)
    {
        _services = services;
        Receive<IReplicaSetMessage>(m => Change(s => s.Observe(m)));
    }

    public static Props Props(string uid, MachineActorServices services) => Akka.Actor.Props.Create(() => new ReplicaSetActor(uid, services));

    protected override void Proceed()
    {
        if (ReplicaSetLifecycle.Decide(State, _services.Time.GetUtcNow()) is not { } decision)
            return;
        if (decision.Retire)
        {
            Retire();
            return;
        }

        if (decision.Create > 0)
            Create(decision.Create);
        if (decision.Delete.Count > 0)
            Delete(decision.Delete);
        if (decision.Release.Count > 0)
            Release(decision.Release);
        ScheduleWrite(() => Patch(decision) is not null);
    }

    private void Create(int count)
    {
        var (set, tell) = (State.ReplicaSet!, Teller());
        Do(ReplicaSetCall.Create, ct => InParallel(Enumerable.Range(0, count), async (_, token) =>
        {
            try
            {
                var made = await _services.Kubernetes.CreateAsync(ReplicaSetLifecycle.Make(set), token).ConfigureAwait(false);
                _services.Events.Record(About(set), "Normal", "SuccessfulCreate", $"Started the virtual machine by creating the new virtual machine instance {made.Metadata.Name}");
                tell(s => s.With(made) with { Failure = null });
            }
            catch (KubeException e)
            {
                _services.Events.Record(About(set), "Warning", "FailedCreate", $"Error creating virtual machine instance: {e.Message}");
                tell(s => s with { Failure = new SyncFailure("FailedCreate", e.Message) });
                throw;
            }
        }, ct));
    }

    private void Delete(IReadOnlyList<VirtualMachineInstance> instances)
    {
        var (set, tell, now) = (State.ReplicaSet!, Teller(), _services.Time.GetUtcNow());
        Do(ReplicaSetCall.Delete, ct => InParallel(instances, async (instance, token) =>
        {
            try
            {
                await _services.Kubernetes.DeleteAsync<VirtualMachineInstance>(instance.Metadata.Namespace, instance.Metadata.Name!, new DeleteQuery(instance.Metadata.Uid), token).ConfigureAwait(false);
                _services.Events.Record(About(set), "Normal", "SuccessfulDelete", $"Stopped the virtual machine by deleting the virtual machine instance {instance.Metadata.Uid}");
                // Its end may have been told before this.
                tell(s => (s.Instances.ContainsKey(instance.Metadata.Uid!) ? s.With(instance with { Metadata = instance.Metadata with { DeletionTimestamp = now } }) : s) with { Failure = null });
            }
            catch (KubeException e) when (e.IsNotFound)
            {
                tell(s => s.Observe(new ReplicaGone(s.Uid, instance.Metadata.Uid!)));
            }
            catch (KubeException e)
            {
                _services.Events.Record(About(set), "Warning", "FailedDelete", $"Error deleting virtual machine instance {instance.Metadata.Name}: {e.Message}");
                tell(s => s with { Failure = new SyncFailure("FailedDelete", e.Message) });
                throw;
            }
        }, ct));
    }

    private void Release(IReadOnlyList<VirtualMachineInstance> instances)
    {
        var (uid, tell) = (State.Uid, Teller());
        Do(ReplicaSetCall.Release, ct => InParallel(instances, async (instance, token) =>
        {
            await OwnerReferences.RemoveAsync(_services.Kubernetes, instance, uid, token).ConfigureAwait(false);
            tell(s => s.Observe(new ReplicaGone(s.Uid, instance.Metadata.Uid!)));
        }, ct));
    }

    protected override void Write()
    {
        if (ReplicaSetLifecycle.Decide(State, _services.Time.GetUtcNow()) is not { Retire: false } decision || Patch(decision) is not { } patch)
            return;
        var set = State.ReplicaSet!;
        Do(ReplicaSetCall.WriteStatus, async ct =>
        {
            var written = await _services.Kubernetes.PatchAsync<VirtualMachineInstanceReplicaSet>(set.Metadata.Namespace, set.Metadata.Name!, PatchType.Merge, patch, "status", ct: ct).ConfigureAwait(false);
            if (ReplicaSetLifecycle.PauseEvent(set.Status, written.Status) is var (reason, message))
                _services.Events.Record(About(set), "Normal", reason, message);
            return s => s.Observe(new ReplicaSetObserved(s.Uid, written));
        });
    }

    private JsonObject? Patch(ReplicaSetDecision decision) =>
        MergePatch.Between(Json(State.ReplicaSet!.Status ?? new VirtualMachineInstanceReplicaSetStatus()), Json(decision.Status)) is { } status
            ? new JsonObject { ["metadata"] = new JsonObject { ["uid"] = State.Uid }, ["status"] = status }
            : null;

    /// <summary>The first error ends it; what is left is decided anew.</summary>
    private static async Task<Func<ReplicaSetState, ReplicaSetState>> InParallel<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> each, CancellationToken ct)
    {
        await System.Threading.Tasks.Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = ct }, async (item, token) => await each(item, token).ConfigureAwait(false))
            .ConfigureAwait(false);
        return s => s;
    }

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
}
