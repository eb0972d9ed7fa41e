using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes;

namespace Troupe.Stress.Migration;

/// <summary>All objects of a kind as a watch has them, by UID.</summary>
internal sealed class ObjectCache(IKubeApi api, ResourceKey resource, ILogger log)
{
    private readonly ConcurrentDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, JsonObject> Objects => _objects;

    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            await foreach (var e in ObjectFeed.ReadAsync(api, resource, log, TimeProvider.System, ct))
            {
                if (e is FeedEvent.Present { Object: var obj })
                    _objects[Uid(obj)] = obj;
                else if (e is FeedEvent.Gone { LastKnown: var last })
                    _objects.TryRemove(Uid(last), out _);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The end.
        }
    }

    public static string Uid(JsonObject obj) => (string)obj["metadata"]!["uid"]!;

    public static string Name(JsonObject obj) => (string)obj["metadata"]!["name"]!;

    public static string? Phase(JsonObject obj) => (string?)obj["status"]?["phase"];

    public static bool IsDeleting(JsonObject obj) => obj["metadata"]!["deletionTimestamp"] is not null;
}
