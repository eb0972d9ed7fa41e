using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

/// <summary><see cref="IKubeApi"/> for the parts that live in this process; asks as a member of system:masters.</summary>
internal sealed class LocalKubeApi(ResourceRegistry registry, ResourceService resources, ListService lists, string fieldManager) : IKubeApi
{
    private readonly RequestContext _context = new(new UserInfo("system:" + fieldManager, "system:masters", "system:authenticated")) { FieldManager = fieldManager, Force = true };

    public Task<JsonObject> GetAsync(ResourceKey resource, string? ns, string name, CancellationToken ct = default) => Caught(() =>
    {
        var definition = Definition(resource);
        return Task.FromResult(Out(definition, resources.Find(definition, ns ?? "", name)));
    });

    public Task<ObjectList> ListAsync(ResourceKey resource, string? ns = null, ListOptions? options = null, CancellationToken ct = default) => Caught(() =>
    {
        var definition = Definition(resource);
        var page = lists.List(definition, ns, options ?? new ListOptions());
        return Task.FromResult(new ObjectList(
            [.. page.Items.Select(i => Out(definition, i))], page.ResourceVersion.ToString(CultureInfo.InvariantCulture), page.Continue, page.Remaining));
    });

    public async IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKey resource, string? ns, ListOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var definition = Definition(resource);
        await foreach (var frame in lists.WatchAsync(definition, ns, options, null, ct))
        {
            yield return new WatchEvent(frame.Type, frame switch
            {
                { Object: { } obj } => Out(definition, obj),
                { Error: { } error } => error,
                _ => Bookmark(definition, frame),
            });
        }
    }

    public Task<JsonObject> CreateAsync(ResourceKey resource, string? ns, JsonObject obj, CancellationToken ct = default) => Caught(async () =>
    {
        var definition = Definition(resource);
        return Out(definition, await resources.CreateAsync(_context, definition, ns ?? "", Own(obj), applied: false, ct));
    });

    public Task<JsonObject> UpdateAsync(ResourceKey resource, string? ns, string name, JsonObject obj, string? subresource = null, CancellationToken ct = default) => Caught(async () =>
    {
        var definition = Definition(resource);
        return Out(definition, await resources.UpdateAsync(_context, definition, ns ?? "", name, subresource ?? "", Own(obj), ct));
    });

    public Task<JsonObject> PatchAsync(
        ResourceKey resource, string? ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken ct = default) => Caught(async () =>
    {
        var definition = Definition(resource);
        return Out(definition, await resources.PatchAsync(_context, definition, ns ?? "", name, subresource ?? "", kind, patch.Normalized()!, ct));
    });

    public Task<JsonObject?> DeleteAsync(ResourceKey resource, string? ns, string name, JsonObject? deleteOptions = null, CancellationToken ct = default) => Caught(async () =>
    {
        var definition = Definition(resource);
        var written = await resources.DeleteAsync(_context, definition, ns ?? "", name, deleteOptions.Normalized() as JsonObject, ct);
        return written.Gone ? Deletions.DeletedStatus(definition, name, written.Stored?.Uid ?? "") : (JsonObject?)Out(definition, written);
    });

    public Task<JsonObject> CreateSubresourceAsync(ResourceKey resource, string? ns, string name, string subresource, JsonObject obj, CancellationToken ct = default) => Caught(() =>
    {
        var definition = Definition(resource);
        var post = definition.Subresources.GetValueOrDefault(subresource)?.Post ?? throw ApiException.UnknownPath();
        return resources.PostAsync(_context, definition, ns ?? "", name, subresource, post, Own(obj), ct);
    });

    private ResourceDefinition Definition(ResourceKey resource) => registry.Find(resource) ?? throw ApiException.UnknownPath();

    private static JsonObject Own(JsonObject obj) => (JsonObject)obj.Normalized()!;

    /// <summary>Parsed by System.Text.Json itself: callers may ask such values for any number type.</summary>
    private static JsonObject Out(ResourceDefinition definition, StoredObject stored) =>
        (JsonObject)JsonNode.Parse(StoredForms.Render(definition, stored).Span)!;

    private static JsonObject Out(ResourceDefinition definition, Written written) =>
        written.Stored is { } stored ? Out(definition, stored) : (JsonObject)JsonNode.Parse(written.Unsaved!.ToUtf8())!;

    private static JsonObject Bookmark(ResourceDefinition definition, WatchFrame frame) => new()
    {
        ["kind"] = definition.Kind,
        ["apiVersion"] = definition.ApiVersion,
        ["metadata"] = new JsonObject { ["resourceVersion"] = frame.BookmarkVersion.ToString(CultureInfo.InvariantCulture) },
    };

    /// <summary>Errors always come through the task, also those found before the first await.</summary>
    private static async Task<T> Caught<T>(Func<Task<T>> call) => await call();
}
