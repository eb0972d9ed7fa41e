using System.Text.Json;
using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Machines.ReplicaSets;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.Pools;

public enum PoolCall
{
    Create,
    Delete,
    Update,
    Release,
    Hold,
    LetGo,
    Restart,
    Relabel,
    LoadRevisions,
    PruneRevisions,
    WriteStatus,
}

/// <summary>Owner of one VirtualMachinePool; a shell around <see cref="PoolLifecycle"/>.</summary>
public sealed class PoolActor : OwnerActor<PoolState, PoolCall>
{
    private readonly MachineActorServices _services;
    private readonly PoolCalls _calls;

    public PoolActor(string uid, MachineActorServices services) : base(new PoolState(uid), $"pool {uid}", PoolCall.WriteStatus, services.Log)
    {
        (_services, _calls) = (services, new PoolCalls(services.Kubernetes));
        Receive<IPoolMessage>(m => Change(s => s.Observe(m)));
    }

    public static Props Props(string uid, MachineActorServices services) => Akka.Actor.Props.Create(() => new PoolActor(uid, services));

    protected override void Proceed()
    {
        if (Decide() is not { } decision)
            return;
        foreach (var effect in decision.Effects)
            Perform(effect);
        if (!State.Gone)
            ScheduleWrite(() => Patch(decision) is not null);
    }

    protected override void Write()
    {
        if (State.Gone || Decide() is not { } decision || Patch(decision) is not { } patch)
            return;
        var pool = State.Pool!;
        var (wasPaused, isPaused) = (IsPaused(pool.Status), IsPaused(decision.Status));
        Do(PoolCall.WriteStatus, async ct =>
        {
            var written = await _services.Kubernetes.PatchAsync<VirtualMachinePool>(pool.Metadata.Namespace, pool.Metadata.Name!, PatchType.Merge, patch, "status", ct: ct).ConfigureAwait(false);
            if (wasPaused != isPaused)
                Record("Normal", isPaused ? PoolVocabulary.SuccessfulPaused : PoolVocabulary.SuccessfulResume, isPaused ? "Pool is paused" : "Pool is unpaused");
            return s => s.Observe(new PoolObserved(s.Uid, written));
        }, e => e is KubeException { IsNotFound: true } ? s => s with { Gone = true } : null);
    }

    private PoolDecision? Decide() => PoolLifecycle.Decide(State, _services.Time.GetUtcNow(), Random.Shared.Next());

    private void Perform(PoolEffect effect)
    {
        var pool = State.Pool!;
        switch (effect)
        {
            case PoolEffect.Create create:
                Each(PoolCall.Create, create.Indexes, PoolVocabulary.FailedScaleOut, "scale out", "FailedCreate", async (index, tell, ct) =>
                {
                    var (made, isNew) = await _calls.CreateAsync(PoolMember.Make(pool, index), ct).ConfigureAwait(false);
                    if (isNew)
                        Record("Normal", "SuccessfulCreate", $"Created VM {made.Metadata.Namespace}/{made.Metadata.Name}");
                    tell(s => OwnerReferences.IsOwned(made, s.Uid) ? s.With(made) : s with { Taken = new HashSet<string>(s.Taken) { made.Metadata.Name! } });
                }, before: ct => _calls.EnsureRevisionAsync(pool, ct));
                break;
            case PoolEffect.Delete delete:
                var now = _services.Time.GetUtcNow();
                Each(PoolCall.Delete, delete.Machines, PoolVocabulary.FailedScaleIn, "scale in", "FailedDelete", async (machine, tell, ct) =>
                {
                    var gone = !await _calls.DeleteAsync(machine, delete.PreserveState, delete.Foreground, ct).ConfigureAwait(false);
                    Record("Normal", "SuccessfulDelete", $"Deleted VM {machine.Metadata.Namespace}/{machine.Metadata.Name} with uid {machine.Metadata.Uid} from pool");
                    // Its end may have been told before this.
                    tell(s => gone || !s.Machines.ContainsKey(machine.Metadata.Uid!)
                        ? s.Observe(new PoolMachineGone(s.Uid, machine.Metadata.Uid!))
                        : s.With(machine with { Metadata = machine.Metadata with { DeletionTimestamp = now } }));
                });
                break;
            case PoolEffect.Update update:
                Each(PoolCall.Update, update.Machines, PoolVocabulary.FailedUpdate, "VM update", PoolVocabulary.FailedUpdate, async (item, tell, ct) =>
                {
                    var (machine, patch) = item;
                    var written = await _services.Kubernetes.PatchAsync<VirtualMachine>(machine.Metadata.Namespace, machine.Metadata.Name!, PatchType.Merge, patch, ct: ct).ConfigureAwait(false);
                    Record("Normal", "SuccessfulUpdate", $"Updated VM {machine.Metadata.Namespace}/{machine.Metadata.Name}");
                    tell(s => s.With(written));
                }, before: ct => _calls.EnsureRevisionAsync(pool, ct));
                break;
            case PoolEffect.Release release:
                Each(PoolCall.Release, release.Machines, PoolVocabulary.FailedScaleIn, "release", "FailedDelete", async (machine, tell, ct) =>
                {
                    await OwnerReferences.RemoveAsync(_services.Kubernetes, PoolHold.Has(machine) ? await _calls.SetFinalizersAsync(machine, PoolHold.Without(machine), ct).ConfigureAwait(false) ?? machine : machine, pool.Metadata.Uid!, ct).ConfigureAwait(false);
                    tell(s => s.Observe(new PoolMachineGone(s.Uid, machine.Metadata.Uid!)));
                });
                break;
            case PoolEffect.Hold hold:
                Each<KubeObject>(PoolCall.Hold, [.. hold.Machines, .. hold.Pool is null ? [] : new[] { hold.Pool }], PoolVocabulary.FailedUpdate, "VM update", PoolVocabulary.FailedUpdate, async (obj, tell, ct) =>
                    tell(await Held(obj, [.. obj.Metadata.Finalizers ?? [], PoolVocabulary.Finalizer], ct).ConfigureAwait(false)));
                break;
            case PoolEffect.LetGo letGo:
                Each<KubeObject>(PoolCall.LetGo, [.. letGo.Machines, .. letGo.Pool is null ? [] : new[] { letGo.Pool }], PoolVocabulary.FailedUpdate, "VM update", PoolVocabulary.FailedUpdate, async (obj, tell, ct) =>
                {
                    if (obj is VirtualMachine machine && letGo.PreserveState)
                        await _calls.PreserveAsync(machine, ct).ConfigureAwait(false);
                    tell(await Held(obj, PoolHold.Without(obj), ct).ConfigureAwait(false));
                });
                break;
            case PoolEffect.Restart restart:
                var at = _services.Time.GetUtcNow();
                Each(PoolCall.Restart, restart.Instances, PoolVocabulary.FailedUpdate, "VMI update", PoolVocabulary.FailedUpdate, async (instance, tell, ct) =>
                {
                    await _services.Kubernetes.DeleteAsync<VirtualMachineInstance>(instance.Metadata.Namespace, instance.Metadata.Name!, new DeleteQuery(instance.Metadata.Uid), ct).ConfigureAwait(false);
                    Record("Normal", "SuccessfulDelete", $"Successfully updated resource {instance.Metadata.Namespace}/{instance.Metadata.Name}");
                    var deleting = instance with { Metadata = instance.Metadata with { DeletionTimestamp = at } };
                    tell(s => s.Instances.GetValueOrDefault(MachineOf(instance))?.Metadata.Uid == instance.Metadata.Uid ? s.With(MachineOf(instance), deleting) : s);
                });
                break;
            case PoolEffect.Relabel relabel:
                Each(PoolCall.Relabel, relabel.Instances, PoolVocabulary.FailedUpdate, "VMI update", PoolVocabulary.FailedUpdate, async (item, tell, ct) =>
                {
                    var (instance, revision) = item;
                    var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = instance.Metadata.Uid, ["labels"] = new JsonObject { [PoolVocabulary.RevisionLabel] = revision } } };
                    var written = await _services.Kubernetes.PatchAsync<VirtualMachineInstance>(instance.Metadata.Namespace, instance.Metadata.Name!, PatchType.Merge, patch, ct: ct).ConfigureAwait(false);
                    tell(s => s.With(MachineOf(written), written));
                });
                break;
            case PoolEffect.LoadRevisions load:
                Each(PoolCall.LoadRevisions, load.Names, PoolVocabulary.FailedUpdate, "VM update", PoolVocabulary.FailedUpdate, async (name, tell, ct) =>
                {
                    var spec = await _calls.RevisionAsync(pool.Metadata.Namespace, name, ct).ConfigureAwait(false);
                    tell(s => s.WithRevision(name, spec));
                });
                break;
            case PoolEffect.PruneRevisions prune:
                Each(PoolCall.PruneRevisions, [prune.Keep], PoolVocabulary.FailedRevisionPruning, "revision pruning", PoolVocabulary.FailedRevisionPruning, async (keep, tell, ct) =>
                {
                    await _calls.PruneAsync(pool, keep, ct).ConfigureAwait(false);
                    tell(s => s with { Kept = keep, Revisions = s.Revisions.Where(r => keep.Contains(r.Key)).ToDictionary() });
                });
                break;
            case PoolEffect.LookAgain again:
                LookAgainAfter(again.After);
                break;
            case PoolEffect.Retire:
                Retire();
                break;
        }
    }

    private async Task<Func<PoolState, PoolState>> Held(KubeObject obj, IReadOnlyList<string> finalizers, CancellationToken ct)
    {
        if (obj is VirtualMachine machine)
            return await _calls.SetFinalizersAsync(machine, finalizers, ct).ConfigureAwait(false) is { } written ? s => s.Machines.ContainsKey(written.Metadata.Uid!) ? s.With(written) : s : s => s;
        return await _calls.SetFinalizersAsync((VirtualMachinePool)obj, finalizers, ct).ConfigureAwait(false) is { } pool ? s => s.Observe(new PoolObserved(s.Uid, pool)) : s => s;
    }

    /// <summary>Does the same to each item, several at a time; the first error ends it and becomes the pool's failure, and what is left is decided anew.</summary>
    private void Each<T>(PoolCall call, IReadOnlyList<T> items, string failure, string doing, string eventReason,
        Func<T, Action<Func<PoolState, PoolState>>, CancellationToken, Task> each, Func<CancellationToken, Task>? before = null)
    {
        var tell = Teller();
        Do(call, async ct =>
        {
            if (before is not null)
                await before(ct).ConfigureAwait(false);
            await Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = ReplicaSetActor.Parallel, CancellationToken = ct }, async (item, token) => await each(item, tell, token).ConfigureAwait(false))
                .ConfigureAwait(false);
            return s => s.Failure?.Reason == failure ? s with { Failure = null } : s;
        }, e =>
        {
            var failed = new SyncFailure(failure, $"error during {doing}: {e.Message}");
            if (State.Failure != failed)
                Record("Warning", eventReason, failed.Message);
            return s => s with { Failure = failed };
        });
    }

    private JsonObject? Patch(PoolDecision decision) => MergePatch.Between(Json(State.Pool!.Status ?? new VirtualMachinePoolStatus()), Json(decision.Status)) is { } status
        ? new JsonObject { ["metadata"] = new JsonObject { ["uid"] = State.Uid }, ["status"] = status }
        : null;

    private void Record(string type, string reason, string message) => _services.Events.Record(new ObjectReference
    {
        ApiVersion = PoolVocabulary.ApiVersion,
        Kind = PoolVocabulary.Kind,
        Uid = State.Uid,
        Name = State.Pool?.Metadata.Name,
        Namespace = State.Pool?.Metadata.Namespace,
        ResourceVersion = State.Pool?.Metadata.ResourceVersion,
    }, type, reason, message);

    private static string MachineOf(VirtualMachineInstance instance) => instance.Metadata.OwnerReferences!.First(o => o.Kind == MachineVocabulary.Kind).Uid!;

    private static bool IsPaused(VirtualMachinePoolStatus? status) => status?.Conditions?.Any(c => c.Type == PoolVocabulary.ReplicaPaused) is true;

    private static JsonObject Json(VirtualMachinePoolStatus status) => JsonSerializer.SerializeToNode(status, ApiJson.Default.VirtualMachinePoolStatus)!.AsObject();
}
