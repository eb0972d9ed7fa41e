using System.Threading.Channels;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Nodes.Dns;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>Follows services and their endpoints, keeps <see cref="ServiceRules"/> in the kernel and the zone that pods' names are resolved in.</summary>
internal sealed class ServiceProxy(IKubeApi api, ClusterIdentity identity, int nodes, Uri? apiServer, TimeProvider time, ILogger log)
{
    /// <summary>The address of the service <c>kubernetes</c>.</summary>
    public const string ApiAddress = "10.96.0.1";

    /// <summary>Changes that come together are one update.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, Service> _services = [];
    private readonly Dictionary<string, EndpointSlice> _slices = [];

    /// <summary>Those that ask for ports of their nodes.</summary>
    private readonly Dictionary<string, Pod> _pods = [];
    private string _applied = "";
    private volatile ClusterZone _zone = new([], []);

    public ClusterZone Zone => _zone;

    public async Task RunAsync(CancellationToken ct)
    {
        // The API server listens on the loopback address only.
        for (var node = 1; node <= nodes; node++)
            await File.WriteAllTextAsync($"/proc/sys/net/ipv4/conf/{identity.Bridge(node)}/route_localnet", "1", ct);
        var changes = Channel.CreateUnbounded<(ResourceKey Kind, FeedEvent Event)>();
        ResourceKey[] kinds = [ResourceKey.Services, ResourceKey.EndpointSlices, ResourceKey.Pods];
        foreach (var kind in kinds) _ = FollowAsync(kind);
        var synced = new HashSet<ResourceKey>();
        while (await changes.Reader.WaitToReadAsync(ct))
        {
            await Task.Delay(Gathering, time, ct);
            while (changes.Reader.TryRead(out var change))
            {
                if (change.Event is FeedEvent.Synced) synced.Add(change.Kind);
                else if (change.Kind == ResourceKey.Services) Apply(_services, change.Event);
                else if (change.Kind == ResourceKey.Pods) Apply(_pods, change.Event);
                else Apply(_slices, change.Event);
            }
            if (synced.Count < kinds.Length) continue;
            _zone = new ClusterZone([.. _services.Values], [.. _slices.Values]);
            await UpdateAsync(ct);
        }

        async Task FollowAsync(ResourceKey kind)
        {
            try
            {
                await foreach (var e in ObjectFeed.ReadAsync(api, kind, log, time, ct))
                {
                    if (kind != ResourceKey.Pods || Matters(e)) changes.Writer.TryWrite((kind, e));
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // The end.
            }
        }
    }

    public static async Task RemoveAsync(ClusterIdentity identity) =>
        await Command.RunAsync("nft", ["delete", "table", "ip", ServiceRules.TableOf(identity)]);

    private async Task UpdateAsync(CancellationToken ct)
    {
        List<ServiceRoute> routes =
        [
            .. ServiceRules.Routes(identity, nodes, _services.Values, _slices.Values).Where(route => route.Addresses[0] != ApiAddress),
            .. ServiceRules.HostPorts(identity, nodes, _pods.Values),
        ];
        if (apiServer is not null) routes.Add(new ServiceRoute([ApiAddress], "TCP", 443, [("127.0.0.1", apiServer.Port)]));
        var script = ServiceRules.Script(identity, nodes, routes);
        if (script == _applied) return;
        var result = await Command.RunAsync("nft", ["-f", "-"], script, ct);
        if (result.Ok) _applied = script;
        else log.LogError("service rules were refused: {Error}", result.Explanation);
    }

    /// <summary>Few pods ask for a port of their node, and the others' changes are many.</summary>
    private static bool Matters(FeedEvent e)
    {
        var pod = e switch { FeedEvent.Present present => present.Object, FeedEvent.Gone gone => gone.LastKnown, _ => null };
        return pod is null || new[] { "containers", "initContainers" }.SelectMany(list => pod.Arr("spec", list) ?? []).SelectMany(c => c.Arr("ports") ?? []).Any(port => port.Int("hostPort") > 0);
    }

    private static void Apply<T>(Dictionary<string, T> known, FeedEvent e)
    {
        if (e is FeedEvent.Present present) known[ObjectFeed.KeyOf(present.Object)] = KubeJson.Read<T>(present.Object);
        else if (e is FeedEvent.Gone gone) known.Remove(ObjectFeed.KeyOf(gone.LastKnown));
    }
}
