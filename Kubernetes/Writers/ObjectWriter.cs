using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Meta;

namespace Troupe.Kubernetes.Writers;

/// <summary>Changes objects that others change as well, with as few and as small writes as can be.</summary>
public sealed class ObjectWriter(IKubeClient client, TimeProvider time)
{
    private const int Attempts = 5;
    private static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The merge patch from one version to the next, or null when they say the same. It holds for that version of that object alone:
    /// lists are replaced whole, so what somebody else added in the meantime would be lost.
    /// </summary>
    public static JsonObject? Patch<T>(T from, T to) where T : KubeObject
    {
        if (MergePatch.Between(Json(from), Json(to)) is not { } patch)
            return null;
        if (patch["metadata"] is not JsonObject metadata)
            patch["metadata"] = metadata = [];
        metadata["resourceVersion"] = from.Metadata.ResourceVersion;
        // What was deleted and made again under the same name is another object; the API server answers with a conflict.
        metadata["uid"] = from.Metadata.Uid;
        return patch;
    }

    /// <summary>
    /// Writes what <paramref name="change"/> makes of the object; after a conflict, of the version that won. No write when nothing changes.
    /// </summary>
    /// <param name="known">The version to start from; it may be old.</param>
    /// <param name="change">Pure; may be asked several times.</param>
    /// <param name="subresource"><c>status</c> for kinds that have it, else null.</param>
    /// <returns>The object as it now is.</returns>
    /// <exception cref="KubeException">Not found: the object, or this incarnation of it, is gone. A conflict: others won every time.</exception>
    public async Task<T> UpdateAsync<T>(T known, Func<T, T> change, string? subresource = null, CancellationToken ct = default) where T : KubeObject
    {
        var (ns, name, uid) = (known.Metadata.Namespace, known.Metadata.Name!, known.Metadata.Uid);
        var backoff = new Backoff(MinBackoff, MaxBackoff);
        for (var attempt = 1; ; attempt++)
        {
            if (Patch(known, change(known)) is not { } patch)
                return known;
            try
            {
                return await client.PatchAsync<T>(ns, name, PatchType.Merge, patch, subresource, ct: ct).ConfigureAwait(false);
            }
            catch (KubeException e) when (e.IsConflict && attempt < Attempts)
            {
                known = await client.GetAsync<T>(ns, name, ct).ConfigureAwait(false);
                if (known.Metadata.Uid != uid)
                    throw Gone<T>(name);
            }

            await Task.Delay(backoff.Next(), time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Server-side apply: the fields given are the manager's own from now on, and those it gave before and gives no more are removed.</summary>
    public Task<T> ApplyAsync<T>(T obj, string fieldManager, string? subresource = null, CancellationToken ct = default) where T : KubeObject
    {
        var resource = KubeResources.Of<T>();
        var typed = obj with
        {
            ApiVersion = resource.ApiVersion,
            Kind = resource.Kind,
        };
        return client.PatchAsync<T>(obj.Metadata.Namespace, obj.Metadata.Name!, PatchType.Apply, Json(typed), subresource, new PatchQuery(fieldManager, Force: true), ct);
    }

    private static JsonObject Json<T>(T obj) where T : KubeObject => JsonSerializer.SerializeToNode(obj, KubeResources.Of<T>().Json)!.AsObject();

    private static KubeException Gone<T>(string name) where T : KubeObject => new(new Status
    {
        Code = 404,
        Reason = "NotFound",
        Message = $"{KubeResources.Of<T>().Plural} \"{name}\" not found: another of that name took its place",
        Details = new StatusDetails { Name = name },
    });
}
