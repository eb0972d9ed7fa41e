namespace Troupe.DevCluster.Api;

/// <summary>Where the pod <c>log</c> subresource gets its bytes; the nodes register one with <c>DevClusterHost.PodLogs</c>.</summary>
public interface IPodLogSource
{
    /// <summary>
    /// The log as plain bytes (lines without CRI prefixes unless timestamps are asked for); with follow it ends when the container
    /// ends. Throws <see cref="ApiException"/> before the first chunk when the container has no log to give.
    /// </summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(PodLogRequest request, CancellationToken ct);
}

/// <param name="Namespace">Namespace of the pod.</param>
/// <param name="Pod">Name of the pod.</param>
/// <param name="Container">Always resolved: the API server has picked the pod's only container when none was named.</param>
/// <param name="Follow">Go on until the container ends.</param>
/// <param name="TailLines">Only that many last lines; null is all.</param>
/// <param name="SinceSeconds">Only lines at most that old.</param>
/// <param name="LimitBytes">At most that many bytes.</param>
/// <param name="Timestamps">Prefix each line with its RFC 3339 time.</param>
/// <param name="Previous">The log of the container's previous run.</param>
/// <param name="SinceTime">Only lines not older than that.</param>
public sealed record PodLogRequest(
    string Namespace,
    string Pod,
    string Container,
    bool Follow = false,
    long? TailLines = null,
    long? SinceSeconds = null,
    long? LimitBytes = null,
    bool Timestamps = false,
    bool Previous = false,
    DateTimeOffset? SinceTime = null);
