using System.Text.Json.Nodes;
using Akka.Actor;
using Akka.Streams;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>
/// The cluster singleton behind VirtualMachineInstanceMigrations: turns each into a wish to its VMI's actor, repeats it until it is over,
/// and writes what the actor tells into the object. It decides nothing about a migration and holds nothing that it could not learn again.
/// </summary>
public sealed class MigrationsActor : ReceiveActor, IWithTimers
{
    public const string Finalizer = "kubevirt.io/migrationJobFinalize";
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromSeconds(2);
    private readonly IKubeClient _kubernetes;
    private readonly IActorRef _vmiRegion;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Dictionary<string, VirtualMachineInstanceMigration> _migrations = [];
    private readonly Dictionary<string, VmiFound> _vmis = [];
    private readonly Dictionary<string, MigrationPolicy> _policies = [];
    private readonly Dictionary<string, KubeVirt> _configurations = [];
    private readonly HashSet<string> _granted = [];
    private readonly HashSet<Type> _synced = [];
    private readonly Dictionary<string, MigrationNews> _news = [];
    private readonly HashSet<string> _writing = [];
    private readonly CancellationTokenSource _stop = new();

    public MigrationsActor(IKubeClient kubernetes, IActorRef vmiRegion, TimeProvider time, ILogger log)
    {
        (_kubernetes, _vmiRegion, _time, _log) = (kubernetes, vmiRegion, time, log);
        var materializer = Context.Materializer();
        Follow<VirtualMachineInstanceMigration>();
        Follow<MigrationPolicy>();
        Follow<KubeVirt>();
        Receive<FeedEvent<VirtualMachineInstanceMigration>>(OnMigration);
        Receive<FeedEvent<MigrationPolicy>>(e => Keep(_policies, e));
        Receive<FeedEvent<KubeVirt>>(e => Keep(_configurations, e));
        Receive<VmiFound>(OnVmi);
        Receive<MigrationNews>(OnNews);
        Receive<Written>(OnWritten);
        Receive<Repeat>(_ =>
        {
            foreach (var migration in _migrations.Values.ToList())
                Advance(migration);
        });

        void Follow<T>() where T : KubeObject
        {
            var self = Self;
            WatchFeed.Source<T>(kubernetes, new FeedOptions(), time, log).RunForeach(e => self.Tell(e), materializer);
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IKubeClient kubernetes, IActorRef vmiRegion, TimeProvider time, ILogger log) =>
        Akka.Actor.Props.Create(() => new MigrationsActor(kubernetes, vmiRegion, time, log));

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Repeat), Repeat.Instance, RepeatInterval);

    protected override void PostStop() => _stop.Cancel();

    private void OnMigration(FeedEvent<VirtualMachineInstanceMigration> e)
    {
        switch (e)
        {
            case FeedEvent<VirtualMachineInstanceMigration>.Observed { Object: var migration }:
                _migrations[migration.Metadata.Uid!] = migration;
                Advance(migration);
                break;
            case FeedEvent<VirtualMachineInstanceMigration>.Gone { Last: var migration }:
                _migrations.Remove(migration.Metadata.Uid!);
                _vmis.Remove(migration.Metadata.Uid!);
                _news.Remove(migration.Metadata.Uid!);
                _granted.Remove(migration.Metadata.Uid!);
                break;
        }
    }

    /// <summary>One step for one object: find its VMI, tell the VMI's actor, write what is known.</summary>
    private void Advance(VirtualMachineInstanceMigration migration)
    {
        var uid = migration.Metadata.Uid!;
        if (MigrationObject.Patch(migration, _news.GetValueOrDefault(uid), _time.GetUtcNow()) is { } patch)
        {
            Write(migration, patch);
            return;
        }

        if (MigrationPhases.IsFinal(migration.Status?.Phase))
            return;
        if (!_vmis.TryGetValue(uid, out var vmi))
            FindVmi(migration);
        else if (migration.Metadata.DeletionTimestamp is not null || HasSlot(uid))
            _vmiRegion.Tell(MigrationObject.Wish(migration, vmi.VmiUid!, Settings(vmi)));
        else if (_news.TryAdd(uid, new MigrationNews(vmi.VmiUid!, uid, MigrationPhases.Pending, null, null, null)))
            Advance(migration);
    }

    /// <summary>A slot once given is kept until the migration is over; one that is under way when this actor starts has it.</summary>
    private bool HasSlot(string uid)
    {
        // Before the settings are known nothing begins under others.
        if (!_synced.Contains(typeof(KubeVirt)) || !_synced.Contains(typeof(MigrationPolicy)))
            return false;
        if (_granted.Contains(uid))
            return true;
        var settings = MigrationSettings.Of(Configuration, null);
        var queue = _migrations.Values.Where(m => !MigrationPhases.IsFinal(m.Status?.Phase))
            .Select(m => new QueuedMigration(m.Metadata.Uid!, m.Spec?.Priority, m.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue, _vmis.GetValueOrDefault(m.Metadata.Uid!)?.Node,
                _granted.Contains(m.Metadata.Uid!) || m.Status?.Phase is not (null or "" or MigrationPhases.Pending)))
            .ToList();
        _granted.UnionWith(queue.Where(m => m.IsGranted).Select(m => m.Id));
        _granted.UnionWith(MigrationSlots.Grant(queue, settings.ParallelPerCluster, settings.ParallelOutboundPerNode));
        return _granted.Contains(uid);
    }

    private MigrationConfiguration? Configuration => _configurations.Values.OrderBy(k => k.Metadata.CreationTimestamp).FirstOrDefault()?.Spec?.Configuration?.Migrations;

    private MigrationSettings Settings(VmiFound vmi) => MigrationSettings.Of(Configuration, MigrationPolicies.Match(_policies.Values, vmi.Labels, vmi.NamespaceLabels));

    private void Keep<T>(Dictionary<string, T> known, FeedEvent<T> e) where T : KubeObject
    {
        if (e is FeedEvent<T>.Synced)
            _synced.Add(typeof(T));
        if (e is FeedEvent<T>.Observed { Object: var obj })
            known[obj.Metadata.Uid!] = obj;
        else if (e is FeedEvent<T>.Gone { Last: var last })
            known.Remove(last.Metadata.Uid!);
    }

    private void FindVmi(VirtualMachineInstanceMigration migration)
    {
        if (!_writing.Add(migration.Metadata.Uid!))
            return;
        var (uid, ns, name) = (migration.Metadata.Uid!, migration.Metadata.Namespace, migration.Spec?.VmiName ?? "");
        Attempt(async ct =>
        {
            var vmi = await _kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct).ConfigureAwait(false);
            var labels = ns is null ? null : (await _kubernetes.FindAsync<Namespace>(null, ns, ct).ConfigureAwait(false))?.Metadata.Labels;
            return new VmiFound(uid, vmi?.Metadata.Uid, vmi?.Status?.NodeName, vmi?.Metadata.Labels, labels, null);
        }, e => new VmiFound(uid, null, null, null, null, e));
    }

    private void OnVmi(VmiFound found)
    {
        _writing.Remove(found.MigrationUid);
        if (found.Error is { } error)
        {
            _log.LogWarning("migration {Uid}: its VMI cannot be looked up, again in {Interval}: {Error}", found.MigrationUid, RepeatInterval, error.Message);
            return;
        }

        if (found.VmiUid is not null)
            _vmis[found.MigrationUid] = found;
        else
            _news[found.MigrationUid] = new MigrationNews("", found.MigrationUid, MigrationPhases.Failed, "NoVmi", "Migration failed because vmi does not exist.", null);
        if (_migrations.TryGetValue(found.MigrationUid, out var migration))
            Advance(migration);
    }

    private void OnNews(MigrationNews news)
    {
        if (news.Phase is null || !_migrations.TryGetValue(news.MigrationId, out var migration))
            return;
        _news[news.MigrationId] = news;
        if (MigrationObject.Patch(migration, news, _time.GetUtcNow()) is { } patch)
            Write(migration, patch);
    }

    private void Write(VirtualMachineInstanceMigration migration, (JsonObject Patch, string? Subresource) change)
    {
        if (!_writing.Add(migration.Metadata.Uid!))
            return;
        var (uid, ns, name) = (migration.Metadata.Uid!, migration.Metadata.Namespace, migration.Metadata.Name!);
        Attempt(async ct => new Written(uid, await _kubernetes.PatchAsync<VirtualMachineInstanceMigration>(ns, name, PatchType.Merge, change.Patch, change.Subresource, ct: ct).ConfigureAwait(false)),
            e => new Written(uid, null, e));
    }

    private void OnWritten(Written written)
    {
        _writing.Remove(written.MigrationUid);
        if (written.Migration is { } now && _migrations.ContainsKey(written.MigrationUid))
        {
            _migrations[written.MigrationUid] = now;
            Advance(now);
        }
        else if (written.Error is KubeException { IsNotFound: true })
        {
            _migrations.Remove(written.MigrationUid);
        }
        else if (written.Error is { } error)
        {
            _log.LogWarning("migration {Uid}: writing it failed, again in {Interval}: {Error}", written.MigrationUid, RepeatInterval, error.Message);
        }
    }

    private void Attempt(Func<CancellationToken, Task<object>> work, Func<Exception, object> failed)
    {
        var ct = _stop.Token;
        Run().PipeTo(Self);

        async Task<object> Run()
        {
            try
            {
                return await work(ct).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                return failed(e);
            }
        }
    }

    private sealed record VmiFound(
        string MigrationUid, string? VmiUid, string? Node, IReadOnlyDictionary<string, string>? Labels, IReadOnlyDictionary<string, string>? NamespaceLabels, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record Written(string MigrationUid, VirtualMachineInstanceMigration? Migration, Exception? Error = null) : INoSerializationVerificationNeeded;

    private sealed class Repeat
    {
        public static readonly Repeat Instance = new();
    }
}
