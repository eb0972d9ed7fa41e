using System.Collections.Immutable;
using Akka.Actor;
using Troupe.ControlPlane.Feeds;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Feeds;
using Troupe.Kubernetes.Writers;
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

    /// <summary>How long phases may stay unwritten: a short migration is over by then and costs one write.</summary>
    private static readonly TimeSpan DefaultWriteDelay = TimeSpan.FromSeconds(3);
    private readonly IKubeClient _kubernetes;
    private readonly EventRecorder _events;
    private readonly IActorRef _vmiRegion;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TimeSpan _writeDelay;
    private readonly Dictionary<string, VirtualMachineInstanceMigration> _migrations = [];
    private readonly Dictionary<string, VmiFound> _vmis = [];
    private readonly Dictionary<string, MigrationPolicy> _policies = [];
    private readonly Dictionary<string, KubeVirt> _configurations = [];
    private readonly Dictionary<string, SlotStage> _stages = [];
    private readonly HashSet<string> _toldToWait = [];
    private readonly HashSet<Type> _synced = [];
    private readonly Dictionary<string, MigrationNews> _news = [];
    private readonly Dictionary<string, ImmutableList<PassedPhase>> _passed = [];
    private readonly HashSet<string> _writing = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _isGranting;

    public MigrationsActor(IKubeClient kubernetes, EventRecorder events, IActorRef vmiRegion, TimeProvider time, ILogger log, TimeSpan writeDelay)
    {
        (_kubernetes, _events, _vmiRegion, _time, _log, _writeDelay) = (kubernetes, events, vmiRegion, time, log, writeDelay);
        Context.FollowShared<VirtualMachineInstanceMigration>(kubernetes, time, log);
        Context.Follow<MigrationPolicy>(kubernetes, new FeedOptions(), time, log);
        Context.FollowShared<KubeVirt>(kubernetes, time, log);
        Receive<FeedEvent<VirtualMachineInstanceMigration>>(OnMigration);
        Receive<FeedEvent<MigrationPolicy>>(e => Keep(_policies, e));
        Receive<FeedEvent<KubeVirt>>(OnConfiguration);
        Receive<VmiFound>(OnVmi);
        Receive<MigrationNews>(OnNews);
        Receive<Written>(OnWritten);
        Receive<WriteDue>(due =>
        {
            if (_migrations.TryGetValue(due.MigrationUid, out var migration) && Change(migration) is { } change)
                Write(migration, change);
        });
        Receive<Signal>(signal =>
        {
            Grant();
            foreach (var migration in signal is Signal.Repeat ? _migrations.Values.ToList() : [])
                Advance(migration);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IKubeClient kubernetes, EventRecorder events, IActorRef vmiRegion, TimeProvider time, ILogger log, TimeSpan? writeDelay = null) =>
        Akka.Actor.Props.Create(() => new MigrationsActor(kubernetes, events, vmiRegion, time, log, writeDelay ?? DefaultWriteDelay));

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Signal.Repeat), Signal.Repeat, RepeatInterval);

    protected override void PostStop() => _stop.Cancel();

    private void OnMigration(FeedEvent<VirtualMachineInstanceMigration> e)
    {
        switch (e)
        {
            // What was just written is known before the feed tells of the versions before it.
            case FeedEvent<VirtualMachineInstanceMigration>.Observed { Object: var old } when _migrations.TryGetValue(old.Metadata.Uid!, out var known) && !ResourceVersions.IsNewer(old.Metadata.ResourceVersion, known.Metadata.ResourceVersion):
                return;
            case FeedEvent<VirtualMachineInstanceMigration>.Observed { Object: var migration }:
                _migrations[migration.Metadata.Uid!] = migration;
                Advance(migration);
                break;
            case FeedEvent<VirtualMachineInstanceMigration>.Synced:
                _synced.Add(typeof(VirtualMachineInstanceMigration));
                break;
            case FeedEvent<VirtualMachineInstanceMigration>.Gone { Last: var migration }:
                _migrations.Remove(migration.Metadata.Uid!);
                _vmis.Remove(migration.Metadata.Uid!);
                _news.Remove(migration.Metadata.Uid!);
                _passed.Remove(migration.Metadata.Uid!);
                _stages.Remove(migration.Metadata.Uid!);
                _toldToWait.Remove(migration.Metadata.Uid!);
                break;
        }

        GrantSoon();
    }

    private void OnConfiguration(FeedEvent<KubeVirt> e)
    {
        Keep(_configurations, e);
        foreach (var problem in SlotLimits.Of(Installation).Problems)
            _log.LogWarning("{Problem}", problem);
        GrantSoon();
    }

    /// <summary>One step for one object: find its VMI, tell the VMI's actor, write what is known.</summary>
    private void Advance(VirtualMachineInstanceMigration migration)
    {
        var uid = migration.Metadata.Uid!;
        if (Show(migration))
            return;

        if (MigrationPhases.IsFinal(migration.Status?.Phase))
            return;
        if (!_vmis.TryGetValue(uid, out var vmi))
            FindVmi(migration);
        else if (migration.Metadata.DeletionTimestamp is not null || _stages.ContainsKey(uid))
            _vmiRegion.Tell(Wish(migration, vmi));
        else if (!_news.ContainsKey(uid))
        {
            Note(new MigrationNews(vmi.VmiUid!, uid, MigrationPhases.Pending, null, null, null));
            Show(migration);
        }
    }

    private void Note(MigrationNews news)
    {
        _news[news.MigrationId] = news;
        var passed = _passed.GetValueOrDefault(news.MigrationId, []);
        if (news.Phase is { } phase && passed.LastOrDefault()?.Phase != phase)
            _passed[news.MigrationId] = passed.Add(new PassedPhase(phase, _time.GetUtcNow()));
    }

    private MigrationChange? Change(VirtualMachineInstanceMigration migration) =>
        MigrationObject.Change(migration, _news.GetValueOrDefault(migration.Metadata.Uid!), _passed.GetValueOrDefault(migration.Metadata.Uid!, []), _time.GetUtcNow());

    /// <summary>Writes what is known into the object, at once or soon.</summary>
    /// <returns>Whether it is being written.</returns>
    private bool Show(VirtualMachineInstanceMigration migration)
    {
        var due = new WriteDue(migration.Metadata.Uid!);
        switch (Change(migration))
        {
            case { IsUrgent: true } change:
                Timers.Cancel(due);
                Write(migration, change);
                return true;
            case not null when !Timers.IsTimerActive(due):
                Timers.StartSingleTimer(due, due, _writeDelay);
                break;
        }

        return false;
    }

    private MigrateVmi Wish(VirtualMachineInstanceMigration migration, VmiFound vmi)
    {
        var (settings, limits) = (Settings(vmi), SlotLimits.Of(Installation).Limits);
        var share = limits.Share(settings.Options.BandwidthBytesPerSecond);
        // QEMU holds a single stream to its limit, not several.
        var options = settings.Options with { BandwidthBytesPerSecond = share, ParallelChannels = share > 0 ? 0 : settings.Options.ParallelChannels };
        var wish = MigrationObject.Wish(migration, vmi.VmiUid!, settings with { Options = options });
        return wish with { Held = _stages.GetValueOrDefault(migration.Metadata.Uid!) is SlotStage.Outbound };
    }

    /// <summary>However much happens at once, the slots are given anew once.</summary>
    private void GrantSoon()
    {
        if (!_isGranting)
            Self.Tell(Signal.Grant);
        _isGranting = true;
    }

    /// <summary>A slot once given is kept until the migration is over.</summary>
    private void Grant()
    {
        _isGranting = false;
        // Before all that is under way and its settings are known, nothing begins.
        if (!_synced.IsSupersetOf([typeof(VirtualMachineInstanceMigration), typeof(KubeVirt), typeof(MigrationPolicy)]))
            return;
        var queue = MigrationQueue.Of(_migrations.Values, _stages, SourceOf, uid => _news.GetValueOrDefault(uid), _time.GetUtcNow());
        var grants = MigrationSlots.Grant(queue.Line, SlotLimits.Of(Installation).Limits);
        foreach (var m in queue.Line)
            Enter(m.Id, m.Stage);
        foreach (var id in grants.Outbound)
            Enter(id, SlotStage.Outbound);
        foreach (var id in grants.Inbound)
            Enter(id, SlotStage.Inbound);
        foreach (var m in queue.BackingOff.Where(m => _toldToWait.Add(m.Metadata.Uid!)))
        {
            _events.Record(About("VirtualMachineInstance", _vmis[m.Metadata.Uid!].VmiUid, m.Spec?.VmiName, m.Metadata.Namespace), "Warning", MigrationBackoff.Reason,
                $"backoff migrating vmi {m.Metadata.Namespace}/{m.Spec?.VmiName}");
        }
    }

    private void Enter(string uid, SlotStage stage)
    {
        if (stage is SlotStage.Waiting || (_stages.TryGetValue(uid, out var before) && before == stage))
            return;
        _stages[uid] = stage;
        // It need not wait until what is known of it is written.
        if (_migrations[uid] is { Metadata.Finalizers: { } finalizers } migration && finalizers.Contains(Finalizer) && _vmis.TryGetValue(uid, out var vmi))
            _vmiRegion.Tell(Wish(migration, vmi));
        else
            Advance(_migrations[uid]);
    }

    private (string? Node, long Bandwidth)? SourceOf(string uid) => _vmis.TryGetValue(uid, out var vmi) ? (vmi.Node, Settings(vmi).Options.BandwidthBytesPerSecond) : null;

    private KubeVirt? Installation => _configurations.Values.OrderBy(k => k.Metadata.CreationTimestamp).FirstOrDefault();

    private MigrationSettings Settings(VmiFound vmi) =>
        MigrationSettings.Of(Installation?.Spec?.Configuration?.Migrations, MigrationPolicies.Match(_policies.Values, vmi.Labels, vmi.NamespaceLabels));

    private void Keep<T>(Dictionary<string, T> known, FeedEvent<T> e) where T : KubeObject
    {
        if (e is FeedEvent<T>.Synced && _synced.Add(typeof(T)))
            GrantSoon();
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
            Note(new MigrationNews("", found.MigrationUid, MigrationPhases.Failed, "NoVmi", "Migration failed because vmi does not exist.", null));
        if (_migrations.TryGetValue(found.MigrationUid, out var migration))
            Advance(migration);
        GrantSoon();
    }

    private void OnNews(MigrationNews news)
    {
        if (news.Phase is null || !_migrations.TryGetValue(news.MigrationId, out var migration))
            return;
        var before = _news.GetValueOrDefault(news.MigrationId);
        Note(news);
        Show(migration);
        // The target is known, somebody is done, or the quota has spoken.
        if (before?.TargetNode != news.TargetNode || before?.Message != news.Message || MigrationPhases.IsFinal(news.Phase))
            GrantSoon();
    }

    private void Write(VirtualMachineInstanceMigration migration, MigrationChange change)
    {
        if (!_writing.Add(migration.Metadata.Uid!))
            return;
        var (uid, ns, name) = (migration.Metadata.Uid!, migration.Metadata.Namespace, migration.Metadata.Name!);
        Attempt(async ct => new Written(uid, change.Announcements, await _kubernetes.PatchAsync<VirtualMachineInstanceMigration>(ns, name, PatchType.Merge, change.Patch, change.Subresource, ct: ct).ConfigureAwait(false)),
            e => new Written(uid, [], null, e));
    }

    private void OnWritten(Written written)
    {
        _writing.Remove(written.MigrationUid);
        if (written.Migration is { } now && _migrations.ContainsKey(written.MigrationUid))
        {
            _migrations[written.MigrationUid] = now;
            foreach (var a in written.Announcements)
                _events.Record(About("VirtualMachineInstanceMigration", written.MigrationUid, now.Metadata.Name, now.Metadata.Namespace), a.Type, a.Reason, a.Message, a.At);
            Advance(now);
            GrantSoon();
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

    private static ObjectReference About(string kind, string? uid, string? name, string? ns) =>
        new() { ApiVersion = "kubevirt.io/v1", Kind = kind, Uid = uid, Name = name, Namespace = ns };

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

    private sealed record Written(string MigrationUid, IReadOnlyList<MigrationAnnouncement> Announcements, VirtualMachineInstanceMigration? Migration, Exception? Error = null) : INoSerializationVerificationNeeded;

    /// <summary>Also the key of its timer.</summary>
    private sealed record WriteDue(string MigrationUid) : INoSerializationVerificationNeeded;

    private enum Signal
    {
        Repeat,
        Grant,
    }
}
