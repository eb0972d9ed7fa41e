using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes;

/// <summary>What a feed tells: the current object of a key, that it is gone (with its last known state), or that the first list is complete.</summary>
public abstract record FeedEvent
{
    public sealed record Present(JsonObject Object) : FeedEvent;
    public sealed record Gone(JsonObject LastKnown) : FeedEvent;
    public sealed record Synced : FeedEvent;
}

/// <summary>List + watch of one resource as an endless stream; after a relist it reports what vanished in between.</summary>
public static class ObjectFeed
{
    public static async IAsyncEnumerable<FeedEvent> ReadAsync(
        IKubeApi api, ResourceKey resource, ILogger log, TimeProvider time, [EnumeratorCancellation] CancellationToken ct)
    {
        var known = new Dictionary<string, JsonObject>();
        while (!ct.IsCancellationRequested)
        {
            var list = await ListWithRetryAsync(api, resource, log, time, ct);
            var listed = list.Items.ToDictionary(KeyOf);
            foreach (var (key, last) in known.Where(entry => !listed.ContainsKey(entry.Key)).ToList())
            {
                known.Remove(key);
                yield return new FeedEvent.Gone(last);
            }
            foreach (var (key, item) in listed)
            {
                known[key] = item;
                yield return new FeedEvent.Present(item);
            }
            yield return new FeedEvent.Synced();

            var version = list.ResourceVersion;
            var expired = false;
            while (!expired && !ct.IsCancellationRequested)
            {
                var options = new ListOptions { ResourceVersion = version, AllowWatchBookmarks = true };
                await foreach (var change in api.WatchAsync(resource, null, options, ct))
                {
                    if (change.Type == "ERROR")
                    {
                        log.LogInformation("Watch of {Resource} ended ({Status}); listing again", resource, change.Object["message"]);
                        expired = true;
                        break;
                    }
                    version = change.Object["metadata"]?["resourceVersion"]?.GetValue<string>() ?? version;
                    if (change.Type == "BOOKMARK") continue;
                    var key = KeyOf(change.Object);
                    if (change.Type == "DELETED")
                    {
                        known.Remove(key);
                        yield return new FeedEvent.Gone(change.Object);
                    }
                    else
                    {
                        known[key] = change.Object;
                        yield return new FeedEvent.Present(change.Object);
                    }
                }
            }
        }
    }

    /// <summary>A recreated object of the same name is another object: the UID is part of the key.</summary>
    public static string KeyOf(JsonObject obj)
    {
        var metadata = obj["metadata"];
        return $"{metadata?["namespace"]}/{metadata?["name"]}/{metadata?["uid"]}";
    }

    private static async Task<ObjectList> ListWithRetryAsync(IKubeApi api, ResourceKey resource, ILogger log, TimeProvider time, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await api.ListAsync(resource, ct: ct);
            }
            catch (ApiException failure)
            {
                log.LogWarning(failure, "Cannot list {Resource}; trying again", resource);
                await Task.Delay(TimeSpan.FromSeconds(1), time, ct);
            }
        }
    }
}
