using System.Threading.Channels;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Scheduling;

/// <summary>Binds pods to nodes; looks again whenever anything changes that scheduling depends on.</summary>
internal sealed class SchedulerLoop(IKubeApi api, TimeProvider time, ILogger log)
{
    private const string DefaultScheduler = "default-scheduler";

    private readonly SchedulerCache _cache = new();
    private readonly SchedulerWrites _writes = new(api, new EventRecorder(api, DefaultScheduler, Environment.MachineName, time, log), time, log);
    private readonly Dictionary<string, string> _said = [];

    public async Task RunAsync(CancellationToken ct)
    {
        var changes = Channel.CreateUnbounded<(ResourceKey Kind, FeedEvent Event)>();
        var feeds = SchedulerCache.Kinds.Select(kind => Task.Run(async () =>
        {
            await foreach (var e in ObjectFeed.ReadAsync(api, kind, log, time, ct)) changes.Writer.TryWrite((kind, e));
        }, ct)).ToList();
        while (await changes.Reader.WaitToReadAsync(ct))
        {
            while (changes.Reader.TryRead(out var change)) _cache.Apply(change.Kind, change.Event);
            if (!_cache.IsSynced) continue;
            foreach (var pod in _cache.Pods.Where(IsOurs).OrderByDescending(p => p.Spec.Priority).ThenBy(p => p.Metadata.CreationTimestamp).ToList())
                await ScheduleAsync(pod, ct);
        }
        await Task.WhenAll(feeds);
    }

    private static bool IsOurs(Pod pod) =>
        pod.Spec.NodeName.Length == 0 && !pod.Metadata.IsDeleted && !pod.IsFinished && pod.Spec.SchedulingGates.Count == 0
        && pod.Spec.SchedulerName is "" or DefaultScheduler;

    private async Task ScheduleAsync(Pod pod, CancellationToken ct)
    {
        var view = _cache.View(pod);
        var placement = Placer.Place(pod, view);
        if (placement.Node is { } name)
        {
            var waiting = view.Storage.Unbound(pod).ToList();
            if (waiting.Count > 0)
            {
                // The pod is bound once its claims are; their change wakes this loop.
                foreach (var claim in waiting) await _writes.ChooseVolumeAsync(claim, view.Storage.Choice(claim, _cache.Node(name)), name, ct);
                return;
            }
            if (await _writes.BindAsync(pod, name, ct)) _cache.Assume(pod with { Spec = pod.Spec with { NodeName = name } });
            _said.Remove(pod.Uid);
            return;
        }
        if (placement.Victims.Count > 0)
        {
            foreach (var victim in placement.Victims.Where(victim => !victim.Metadata.IsDeleted))
            {
                await _writes.PreemptAsync(victim, pod, placement.Nominated!, ct);
                _cache.Assume(victim with { Metadata = victim.Metadata with { DeletionTimestamp = time.GetUtcNow() } });
            }
            _cache.Assume(pod with { Status = pod.Status with { NominatedNodeName = placement.Nominated! } });
        }
        if (_said.GetValueOrDefault(pod.Uid) == placement.Message) return;
        _said[pod.Uid] = placement.Message!;
        await _writes.RefuseAsync(pod, placement, ct);
    }
}
