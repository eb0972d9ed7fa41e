using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Migration.Planning;

/// <summary>
/// Child of the feeds' singleton, which tells it of VMIs, migrations, nodes and settings: makes the migrations that evictions, drained nodes
/// and upgrades need, removes those that nobody needs, and marks nodes whose agent is silent. A shell around the planners; it remembers only which calls are under way.
/// </summary>
public sealed class MigrationPlannerActor : ReceiveActor, IWithTimers
{
    /// <summary>A burst of news becomes one look at the world; in a world so large that the look takes its time, a larger burst.</summary>
    private static readonly TimeSpan PlanDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);
    private const int IdleShare = 10;

    /// <summary>For what comes due by time alone.</summary>
    private static readonly TimeSpan PlanInterval = TimeSpan.FromSeconds(10);

    /// <summary>How long a call that was made is waited for in the feeds before it is planned again.</summary>
    private static readonly TimeSpan FeedPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MinRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromMinutes(1);
    private readonly IKubeClient _kubernetes;
    private readonly EventRecorder _events;
    private readonly string _launcherImage;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Dictionary<string, VirtualMachineInstance> _vmis = [];
    private readonly Dictionary<string, VirtualMachineInstanceMigration> _migrations = [];
    private readonly Dictionary<string, Node> _nodes = [];
    private readonly Dictionary<string, KubeVirt> _installations = [];
    private readonly HashSet<Type> _synced = [];
    private readonly HashSet<string> _busy = [];
    private readonly Dictionary<string, int> _failures = [];
    private readonly CancellationTokenSource _stop = new();
    private DateTimeOffset? _lastBatch;
    private TimeSpan _lookTook;
    private int _shuffle;

    public MigrationPlannerActor(IKubeClient kubernetes, EventRecorder events, string launcherImage, TimeProvider time, ILogger log)
    {
        (_kubernetes, _events, _launcherImage, _time, _log) = (kubernetes, events, launcherImage, time, log);
        Receive<FeedEvent<VirtualMachineInstance>>(e => Keep(_vmis, e));
        Receive<FeedEvent<VirtualMachineInstanceMigration>>(e => Keep(_migrations, e));
        Receive<FeedEvent<Node>>(e => Keep(_nodes, e));
        Receive<FeedEvent<KubeVirt>>(e => Keep(_installations, e));
        Receive<Signal>(_ => Plan());
        Receive<Called>(OnCalled);
        Receive<Free>(free =>
        {
            _busy.Remove(free.Key);
            Plan();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="launcherImage">Image of today's launcher; guests in others are outdated.</param>
    public static Props Props(IKubeClient kubernetes, EventRecorder events, string launcherImage, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new MigrationPlannerActor(kubernetes, events, launcherImage, time, log));

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(PlanInterval), Signal.Plan, PlanInterval);

    protected override void PostStop() => _stop.Cancel();

    private void Keep<T>(Dictionary<string, T> known, FeedEvent<T> e) where T : KubeObject
    {
        switch (e)
        {
            case FeedEvent<T>.Synced:
                _synced.Add(typeof(T));
                break;
            case FeedEvent<T>.Observed { Object: var obj }:
                known[obj.Metadata.Uid!] = obj;
                break;
            case FeedEvent<T>.Gone { Last: var last }:
                known.Remove(last.Metadata.Uid!);
                break;
        }

        if (!Timers.IsTimerActive(nameof(PlanDelay)))
            Timers.StartSingleTimer(nameof(PlanDelay), Signal.Plan, TimeSpan.FromTicks(Math.Min((PlanDelay + (_lookTook * IdleShare)).Ticks, LongestDelay.Ticks)));
    }

    private void Plan()
    {
        // Half a picture would make migrations that are there already, and remove those whose VMI was not told of yet.
        if (!_synced.IsSupersetOf([typeof(VirtualMachineInstance), typeof(VirtualMachineInstanceMigration), typeof(Node), typeof(KubeVirt)]))
            return;
        var since = _time.GetTimestamp();
        var world = new MigrationWorld(_vmis.Values, _migrations.Values, _nodes.Values, _installations.Values.OrderBy(k => k.Metadata.CreationTimestamp).FirstOrDefault(), _time.GetUtcNow());
        var update = WorkloadUpdatePlan.Of(world, _launcherImage, _lastBatch, vmi => HashCode.Combine(vmi.Metadata.Uid, _shuffle));
        if (update.EvictsBatch)
            _lastBatch = world.Now;
        foreach (var call in EvacuationPlan.Of(world).Concat(update.Calls).Concat(MigrationGarbage.Of(world)).Concat(NodeWatch.Of(world)).ToList())
        {
            if (_busy.Add(call.Key))
                Make(call);
        }

        _lookTook = _time.GetElapsedTime(since);
    }

    private void Make(PlannedCall call)
    {
        var ct = _stop.Token;
        Attempt().PipeTo(Self);

        async Task<Called> Attempt()
        {
            try
            {
                return new Called(call, await MakeAsync(call, ct).ConfigureAwait(false), null);
            }
            catch (Exception e)
            {
                return new Called(call, null, e);
            }
        }
    }

    /// <returns>UID of the migration that was made.</returns>
    private async Task<string?> MakeAsync(PlannedCall call, CancellationToken ct)
    {
        switch (call)
        {
            case PlannedCall.Create create:
                var made = await _kubernetes.CreateAsync(create.Migration, ct).ConfigureAwait(false);
                Tell(create.Vmi, "Normal", "SuccessfulCreate", $"Created Migration {made.Metadata.Name}{create.Purpose}");
                return made.Metadata.Uid;
            case PlannedCall.Remove { Migration: var migration } remove:
                if (!remove.OnlyIfOrphaned || await _kubernetes.FindAsync<VirtualMachineInstance>(migration.Metadata.Namespace, migration.Spec?.VmiName ?? "", ct).ConfigureAwait(false) is null)
                    await DeleteAsync(migration, ct).ConfigureAwait(false);
                break;
            case PlannedCall.CallOff { Migration: var migration, Vmi: var vmi }:
                await DeleteAsync(migration, ct).ConfigureAwait(false);
                Tell(vmi, "Normal", "SuccessfulChangeAbortion", $"Aborted change for vmi: {vmi.Metadata.Name}");
                break;
            case PlannedCall.Evict { Vmi: var vmi }:
                await EvictAsync(vmi, ct).ConfigureAwait(false);
                Tell(vmi, "Normal", "SuccessfulEvict", "Initiated eviction of VMI as part of automated workload update");
                break;
            case PlannedCall.MarkUnresponsive { Node.Metadata: var silent }:
                await _kubernetes.PatchAsync<Node>(null, silent.Name!, PatchType.Merge, NodeWatch.Patch(), ct: ct).ConfigureAwait(false);
                _events.Record(new ObjectReference { ApiVersion = "v1", Kind = "Node", Uid = silent.Uid, Name = silent.Name }, "Normal", NodeWatch.Reason, "virt-handler is not responsive, marking node as unresponsive");
                break;
            case PlannedCall.CountOutdated { Installation.Metadata: var metadata } count:
                await _kubernetes.PatchAsync<KubeVirt>(metadata.Namespace, metadata.Name!, PatchType.Merge,
                    new JsonObject { ["status"] = new JsonObject { ["outdatedVirtualMachineInstanceWorkloads"] = count.Count } }, "status", ct: ct).ConfigureAwait(false);
                break;
        }

        return null;
    }

    private async Task DeleteAsync(VirtualMachineInstanceMigration migration, CancellationToken ct)
    {
        try
        {
            await _kubernetes.DeleteAsync<VirtualMachineInstanceMigration>(migration.Metadata.Namespace, migration.Metadata.Name!, new DeleteQuery(migration.Metadata.Uid), ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // As it should be.
        }
    }

    /// <summary>Through the eviction API, so that budgets and the guest's own strategy are asked.</summary>
    private async Task EvictAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        var pods = await _kubernetes.ListAsync<Pod>(vmi.Metadata.Namespace, new ListQuery(LabelSelector: $"{Labels.CreatedBy}={vmi.Metadata.Uid}"), ct).ConfigureAwait(false);
        foreach (var pod in pods.Items.Where(p => vmi.Status?.ActivePods?.ContainsKey(p.Metadata.Uid!) is true && p.Metadata.DeletionTimestamp is null))
        {
            await _kubernetes.PostRawAsync($"api/v1/namespaces/{pod.Metadata.Namespace}/pods/{pod.Metadata.Name}/eviction", new JsonObject
            {
                ["apiVersion"] = "policy/v1",
                ["kind"] = "Eviction",
                ["metadata"] = new JsonObject { ["name"] = pod.Metadata.Name, ["namespace"] = pod.Metadata.Namespace },
            }, ct).ConfigureAwait(false);
        }
    }

    private void OnCalled(Called called)
    {
        var key = called.Call.Key;
        if (called.Error is OperationCanceledException && _stop.IsCancellationRequested)
            return;
        if (called.Error is { } error)
        {
            var failures = _failures[key] = _failures.GetValueOrDefault(key) + 1;
            var retry = Backoff.Delay(failures - 1, MinRetry, MaxRetry, Random.Shared.NextDouble());
            _log.LogWarning("{Call} failed, again in {Delay}: {Error}", key, retry, error.Message);
            TellFailure(called.Call, error.Message);
            _shuffle++;
            Timers.StartSingleTimer(key, new Free(key), retry);
            return;
        }

        _failures.Remove(key);
        // Until the feeds show what was done, it would be planned again.
        if (called.MadeUid is { } uid && _migrations.ContainsKey(uid))
            Self.Tell(new Free(key));
        else
            Timers.StartSingleTimer(key, new Free(key), FeedPatience);
    }

    private void TellFailure(PlannedCall call, string error)
    {
        switch (call)
        {
            case PlannedCall.Create { Vmi: var vmi, Purpose: var purpose }:
                Tell(vmi, "Warning", "FailedCreate", $"Error creating a Migration{purpose}: {error}");
                break;
            case PlannedCall.CallOff { Vmi: var vmi }:
                Tell(vmi, "Normal", "FailedChangeAbortion", $"Failed to abort change for vmi: {vmi.Metadata.Name}: {error}");
                break;
            case PlannedCall.Evict { Vmi: var vmi }:
                Tell(vmi, "Warning", "FailedEvict", $"Error deleting VMI during automated workload update: {error}");
                break;
        }
    }

    private void Tell(VirtualMachineInstance vmi, string type, string reason, string message) => _events.Record(
        new ObjectReference { ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachineInstance", Uid = vmi.Metadata.Uid, Name = vmi.Metadata.Name, Namespace = vmi.Metadata.Namespace }, type, reason, message);

    /// <param name="MadeUid">Of a migration that was made.</param>
    private sealed record Called(PlannedCall Call, string? MadeUid, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record Free(string Key) : INoSerializationVerificationNeeded;

    private enum Signal
    {
        Plan,
    }
}
