using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

/// <summary>The outcome of a write: what is stored now, or (dry run) what would be; <paramref name="Gone"/> when it was removed for good.</summary>
internal readonly record struct Written(StoredObject? Stored, JsonObject? Unsaved, bool Created = false, bool Gone = false);

/// <summary>The verbs on single objects, the same for every kind.</summary>
internal sealed class ResourceService(ObjectStore store, ResourceRegistry registry, AdmissionChain admission, TimeProvider time)
{
    /// <summary>A writer that keeps losing its race gives up as a conflict rather than spin.</summary>
    private const int MaxAttempts = 64;

    public StoredObject Find(ResourceDefinition definition, string ns, string name) =>
        store.State.Table(definition.Table).Find(ns, name) ?? throw ApiException.NotFound(definition.Key, name);

    private async ValueTask<ObjectBody> ToStorageAsync(ResourceDefinition definition, JsonObject obj, CancellationToken ct)
    {
        if (definition.ApiVersion == definition.StorageApiVersion && definition.ToStorage is null)
            return ObjectBody.From(obj);
        var stored = obj.Copy();
        if (definition.Conversion is { } conversion)
            stored = await conversion.ConvertAsync(stored, definition.StorageApiVersion, ct);
        definition.ToStorage?.Invoke(stored);
        stored["apiVersion"] = definition.StorageApiVersion;
        if (definition.IsCustom && registry.Find(definition.Key with { Version = definition.StorageVersion! }) is { } target)
        {
            SchemaWalk.Prune(stored, target.Schema.Value, []);
            SchemaWalk.Default(stored, target.Schema.Value);
        }
        return ObjectBody.From(stored);
    }

    // ---- create ------------------------------------------------------------------------------------------------------------

    /// <param name="context">Who and how.</param>
    /// <param name="definition">What.</param>
    /// <param name="ns">Empty for cluster-scoped resources.</param>
    /// <param name="body">Changed in place.</param>
    /// <param name="applied">The managed fields are already right (server-side apply).</param>
    /// <param name="ct">Gives up before the write.</param>
    public async Task<Written> CreateAsync(RequestContext context, ResourceDefinition definition, string ns, JsonObject body, bool applied, CancellationToken ct)
    {
        ObjectRules.Decode(context, definition, body);
        CheckNamespace(definition, ns, body);
        var metadata = body.Meta();
        if (metadata.Str("resourceVersion") is { Length: > 0 })
            throw ApiException.BadRequest("resourceVersion should not be set on objects to be created");
        for (var attempt = 0; ; attempt++)
        {
            var obj = body.Copy();
            var generated = obj.Name().Length == 0 && obj.Str("metadata", "generateName") is { Length: > 0 };
            if (generated)
                obj.Meta()["name"] = Generate(obj.Str("metadata", "generateName")!);
            obj = await CompleteNewAsync(context, definition, ns, obj, applied, ct);
            if (context.DryRun)
            {
                if (store.State.Table(definition.Table).Find(ns, obj.Name()) is not null)
                    throw ApiException.AlreadyExists(definition.Key, obj.Name());
                return new Written(null, obj, Created: true);
            }
            var result = await store.CreateAsync(definition.Table, ns, obj.Name(), await ToStorageAsync(definition, obj, ct));
            if (result.Outcome == WriteOutcome.Done)
                return new Written(result.Object, null, Created: true);
            if (!generated || attempt >= 8)
                throw ApiException.AlreadyExists(definition.Key, obj.Name());
        }
    }

    private async Task<JsonObject> CompleteNewAsync(RequestContext context, ResourceDefinition definition, string ns, JsonObject obj, bool applied, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var strategyContext = new StrategyContext(store.State, registry, now);
        var metadata = obj.Meta();
        if (ns.Length > 0)
            metadata["namespace"] = ns;
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = now.Kube();
        metadata.Remove("deletionTimestamp");
        metadata.Remove("deletionGracePeriodSeconds");
        metadata.Remove("selfLink");
        metadata.Remove("resourceVersion");
        metadata.Remove("generation");
        if (definition.TracksGeneration)
            metadata["generation"] = 1L;
        if (definition.HasStatus)
            obj.Remove("status");
        var request = new AdmissionRequest(context, Operation.Create, definition, ns, obj.Name(), "", obj, null);
        SchemaWalk.Default(obj, DefaultsOf(definition));
        definition.Strategy.Default(obj);
        await admission.MutateAsync(request, ct);
        definition.Strategy.PrepareForCreate(obj, strategyContext);
        SchemaWalk.Default(obj, DefaultsOf(definition));
        if (!applied)
            ManagedFields.Track(null, obj, definition.Schema.Value, context.FieldManager, "", now);
        ThrowIfInvalid(definition, obj, null, strategyContext);
        await admission.ValidateAsync(request, ct);
        return obj;
    }

    /// <summary>Built-ins have their defaults in their strategy; their schema's only serve list keys.</summary>
    private static Schema DefaultsOf(ResourceDefinition definition) => definition.IsCustom ? definition.Schema.Value : Schema.Anything;

    private static void CheckNamespace(ResourceDefinition definition, string ns, JsonObject body)
    {
        if (body.Namespace() is { Length: > 0 } given && given != ns)
        {
            throw definition.Namespaced
                ? ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request")
                : ApiException.BadRequest("namespace is not allowed on cluster-scoped resources");
        }
        if (definition.Namespaced && ns.Length == 0)
            throw ApiException.BadRequest("an empty namespace may not be set during creation");
    }

    /// <summary>A kind that is only asked (a review): admission, then its answer.</summary>
    public Task<JsonObject> AskAsync(RequestContext context, ResourceDefinition definition, string ns, JsonObject body, Func<VirtualRequest, Task<JsonObject>> answer, CancellationToken ct) =>
        AdmittedAsync(new AdmissionRequest(context, Operation.Create, definition, ns, body.Name(), "", body, null), answer, ct);

    /// <summary>A POST to a subresource such as binding, eviction or token.</summary>
    public Task<JsonObject> PostAsync(
        RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, Func<VirtualRequest, Task<JsonObject>> post, JsonObject body, CancellationToken ct) =>
        AdmittedAsync(new AdmissionRequest(context, Operation.Create, definition, ns, name, subresource, body, null), post, ct);

    /// <summary>A connection that is about to be taken over (exec, attach, portforward): admission may refuse it.</summary>
    public async Task ConnectAsync(RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, JsonObject options, CancellationToken ct)
    {
        var request = new AdmissionRequest(context, Operation.Connect, definition, ns, name, subresource, options, null);
        await admission.MutateAsync(request, ct);
        await admission.ValidateAsync(request, ct);
    }

    private async Task<JsonObject> AdmittedAsync(AdmissionRequest request, Func<VirtualRequest, Task<JsonObject>> answer, CancellationToken ct)
    {
        await admission.MutateAsync(request, ct);
        await admission.ValidateAsync(request, ct);
        return await answer(new VirtualRequest(request.Context, request.Definition, request.Namespace, request.Name, request.Object!));
    }

    // ---- update ------------------------------------------------------------------------------------------------------------

    public Task<Written> UpdateAsync(RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, JsonObject body, CancellationToken ct)
    {
        ObjectRules.Decode(context, definition, body);
        if (body.Name() is { Length: > 0 } given && given != name)
            throw ApiException.BadRequest($"the name of the object ({given}) does not match the name on the URL ({name})");
        CheckNamespace(definition, ns, body);
        return ChangeAsync(context, definition, ns, name, subresource, _ => body.Copy(), applied: false, ct);
    }

    public Task<Written> PatchAsync(
        RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, PatchKind kind, JsonNode patch, CancellationToken ct)
    {
        if (kind == PatchKind.Apply)
            return ApplyAsync(context, definition, ns, name, subresource, patch, ct);
        return ChangeAsync(context, definition, ns, name, subresource, live =>
        {
            JsonNode? result = kind switch
            {
                PatchKind.JsonPatch => JsonPatch.Apply(live, patch),
                PatchKind.StrategicMerge when definition.IsCustom => throw ApiException.UnsupportedMediaType(
                    "the server responded with the status code 415: strategic merge patches are not supported for custom resources; accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"),
                PatchKind.StrategicMerge when patch is JsonObject obj => StrategicMergePatch.Apply(live, obj, definition.Schema.Value),
                _ when patch is not JsonObject => throw ApiException.BadRequest("the patch must be a JSON object"),
                _ => MergePatch.Apply(live, patch),
            };
            var changed = result as JsonObject ?? throw new ApiException(422, "Invalid", "the patched value is not an object", new JsonObject());
            // The version of the read object is no lock; only one that the patch itself sets is.
            DecodePatched(context, definition, changed);
            if (changed.Name() != name)
                throw ApiException.BadRequest($"the name of the object ({changed.Name()}) does not match the name on the URL ({name})");
            return changed;
        }, applied: false, ct);
    }

    /// <summary>What a patch makes of an object may be no object of that kind: then the patch is what is invalid.</summary>
    private static void DecodePatched(RequestContext context, ResourceDefinition definition, JsonObject changed)
    {
        var text = new Lazy<string>(changed.ToUtf8Text);
        try
        {
            ObjectRules.Decode(context, definition, changed);
        }
        catch (ApiException e) when (e.Reason == "BadRequest")
        {
            throw ApiException.Invalid("", "", "", [new("FieldValueInvalid", $"Invalid value: {text.Value}: {e.Message}", "patch")]);
        }
    }

    private async Task<Written> ApplyAsync(
        RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, JsonNode patch, CancellationToken ct)
    {
        if (patch is not JsonObject config)
            throw ApiException.BadRequest("the apply configuration must be an object");
        if (config.Str("apiVersion") is null || config.Str("kind") is null)
            throw ApiException.BadRequest("error decoding apply configuration: apiVersion and kind must be set");
        config = config.Copy();
        ObjectRules.Decode(context, definition, config);
        if (config.At("metadata", "managedFields") is JsonArray { Count: > 0 })
            throw ApiException.BadRequest("metadata.managedFields must be nil");
        if (config.Name() is { Length: > 0 } given && given != name)
            throw ApiException.BadRequest($"the name of the object ({given}) does not match the name on the URL ({name})");
        CheckNamespace(definition, ns, config);
        config.Meta()["name"] = name;
        for (var attempt = 0; ; attempt++)
        {
            if (store.State.Table(definition.Table).Find(ns, name) is null && subresource.Length == 0)
            {
                if (config.Str("metadata", "uid") is { Length: > 0 } uid)
                    throw ApiException.Conflict(definition.Key, name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
                var created = ManagedFields.Apply(null, config, definition.Schema.Value, context.FieldManager, "", context.Force, time.GetUtcNow());
                try
                {
                    return await CreateAsync(context, definition, ns, created, applied: true, ct);
                }
                catch (ApiException e) when (e.Reason == "AlreadyExists" && attempt < 3)
                {
                    continue;
                }
            }
            return await ChangeAsync(context, definition, ns, name, subresource, live =>
            {
                var locked = config.Str("metadata", "resourceVersion");
                var merged = ManagedFields.Apply(live, config, definition.Schema.Value, context.FieldManager, subresource, context.Force, time.GetUtcNow());
                if (locked is { Length: > 0 })
                    merged.Meta()["resourceVersion"] = locked;
                return merged;
            }, applied: true, ct);
        }
    }

    private async Task<Written> ChangeAsync(
        RequestContext context, ResourceDefinition definition, string ns, string name, string subresource, Func<JsonObject, JsonObject> change, bool applied, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            var stored = Find(definition, ns, name);
            if (definition.Conversion is { } conversion)
                await conversion.PrepareAsync([stored], definition.ApiVersion, ct);
            var live = StoredForms.Read(definition, stored);
            var wanted = change(live.Copy());
            if (wanted.Str("metadata", "resourceVersion") is { Length: > 0 } locked && locked != stored.ResourceVersion.ToString(CultureInfo.InvariantCulture))
                throw ApiException.Modified(definition.Key, name);
            if (wanted.Str("metadata", "uid") is { Length: > 0 } uid && uid != live.Str("metadata", "uid"))
                throw ApiException.Conflict(definition.Key, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.Str("metadata", "uid")}");
            var obj = WrittenParts.Compose(definition, live, wanted, subresource);
            var now = time.GetUtcNow();
            var strategyContext = new StrategyContext(store.State, registry, now);
            var request = new AdmissionRequest(context, Operation.Update, definition, ns, name, subresource, obj, live);
            SchemaWalk.Default(obj, DefaultsOf(definition));
            definition.Strategy.Default(obj);
            if (subresource is "" or "scale")
                definition.Strategy.PrepareForUpdate(obj, live, strategyContext);
            await admission.MutateAsync(request, ct);
            SchemaWalk.Default(obj, DefaultsOf(definition));
            if (!applied)
                ManagedFields.Track(live, obj, definition.Schema.Value, context.FieldManager, subresource, now);
            if (definition.TracksGeneration && !WrittenParts.SpecOf(definition, obj).SameAs(WrittenParts.SpecOf(definition, live)))
                obj.Meta()["generation"] = (live.Int("metadata", "generation") ?? 0) + 1;
            ThrowIfInvalid(definition, obj, live, strategyContext);
            await admission.ValidateAsync(request, ct);
            if (obj.SameAs(live))
                return new Written(stored, null);
            if (context.DryRun)
                return new Written(null, obj);
            if (await StoreAsync(definition, stored, obj, name, isLast: attempt >= MaxAttempts, ct) is { } written)
                return written;
        }
    }

    /// <summary>Writes what a request made of an object, or takes it away when nothing holds it any more. Null: it was changed meanwhile, and the request is to look again.</summary>
    private async Task<Written?> StoreAsync(ResourceDefinition definition, StoredObject stored, JsonObject obj, string name, bool isLast, CancellationToken ct)
    {
        var gone = Deletions.IsDone(definition, obj);
        var form = await ToStorageAsync(definition, obj, ct);
        var result = gone ? await store.DeleteAsync(stored, form) : await store.UpdateAsync(stored, form);
        return result.Outcome switch
        {
            WriteOutcome.Done => new Written(result.Object, null, Gone: gone),
            WriteOutcome.NotFound => throw ApiException.NotFound(definition.Key, name),
            _ when isLast => throw ApiException.Modified(definition.Key, name),
            _ => null,
        };
    }

    private static void ThrowIfInvalid(ResourceDefinition definition, JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var causes = ObjectRules.Validate(definition, obj, old, context);
        if (causes.Count > 0)
            throw ApiException.Invalid(definition.Key.Group, definition.Kind, obj.Name(), causes);
    }

    // ---- delete ------------------------------------------------------------------------------------------------------------

    public async Task<Written> DeleteAsync(RequestContext context, ResourceDefinition definition, string ns, string name, JsonObject? options, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            var stored = Find(definition, ns, name);
            Deletions.CheckPreconditions(definition, stored, options);
            var live = StoredForms.Read(definition, stored);
            var request = new AdmissionRequest(context, Operation.Delete, definition, ns, name, "", null, live);
            await admission.MutateAsync(request, ct);
            await admission.ValidateAsync(request, ct);
            var obj = Deletions.Mark(definition, live, options, time.GetUtcNow());
            if (context.DryRun)
                return new Written(null, obj, Gone: Deletions.IsDone(definition, obj));
            if (obj.SameAs(live))
                return new Written(stored, null);
            if (await StoreAsync(definition, stored, obj, name, isLast: attempt >= MaxAttempts, ct) is { } written)
                return written;
        }
    }

    /// <summary>As Kubernetes: five characters without vowels, so that no words come out.</summary>
    private static string Generate(string prefix) =>
        (prefix.Length > 58 ? prefix[..58] : prefix) + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
}
