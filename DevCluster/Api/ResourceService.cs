using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

/// <summary>The outcome of a write: what is stored now, or (dry run) what would be; <paramref name="Gone"/> when it was removed for good.</summary>
internal readonly record struct Written(StoredObject? Stored, JsonObject? Unsaved, bool Created = false, bool Gone = false);

/// <summary>The verbs on single objects, the same for every kind.</summary>
internal sealed class ResourceService(ObjectStore store, ResourceRegistry registry, AdmissionChain admission, TimeProvider time)
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";

    /// <summary>A writer that keeps losing its race gives up as a conflict rather than spin.</summary>
    private const int MaxAttempts = 64;

    public StoredObject Find(ResourceDefinition definition, string ns, string name) =>
        store.State.Table(definition.Table).Find(ns, name) ?? throw ApiException.NotFound(definition.Key, name);

    /// <summary>The stored object in the shape of the definition's version.</summary>
    public static JsonObject Read(ResourceDefinition definition, StoredObject stored)
    {
        if (definition.IsCustom)
            return CustomReads.Object(definition, stored);
        var obj = stored.Parse();
        if (!ShowsAsIs(definition, stored))
            FromStorage(definition, obj);
        return obj;
    }

    /// <summary>As <see cref="Read"/>, but without parsing where the stored bytes can be shown as they are.</summary>
    public static ReadOnlyMemory<byte> Render(ResourceDefinition definition, StoredObject stored) =>
        definition.IsCustom ? CustomReads.Bytes(definition, stored, ShowsAsIs(definition, stored))
        : ShowsAsIs(definition, stored) ? stored.Json
        : Read(definition, stored).ToUtf8();

    private static bool ShowsAsIs(ResourceDefinition definition, StoredObject stored)
    {
        if (definition.FromStorage is not null)
            return false;
        // ObjectBody writes the apiVersion first.
        ReadOnlySpan<byte> head = "{\"apiVersion\":\""u8;
        var json = stored.Json.Span;
        var version = definition.ApiVersion;
        if (json.Length <= head.Length + version.Length || json[head.Length + version.Length] != (byte)'"')
            return false;
        for (var i = 0; i < version.Length; i++)
        {
            if (json[head.Length + i] != version[i])
                return false;
        }
        return true;
    }

    private static void FromStorage(ResourceDefinition definition, JsonObject obj)
    {
        definition.FromStorage?.Invoke(obj);
        obj["apiVersion"] = definition.ApiVersion;
    }

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
            var live = Read(definition, stored);
            var wanted = change(live.Copy());
            if (wanted.Str("metadata", "resourceVersion") is { Length: > 0 } locked && locked != stored.ResourceVersion.ToString(CultureInfo.InvariantCulture))
                throw ApiException.Modified(definition.Key, name);
            if (wanted.Str("metadata", "uid") is { Length: > 0 } uid && uid != live.Str("metadata", "uid"))
                throw ApiException.Conflict(definition.Key, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.Str("metadata", "uid")}");
            var obj = Compose(definition, live, wanted, subresource);
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
            if (definition.TracksGeneration && !SpecOf(definition, obj).SameAs(SpecOf(definition, live)))
                obj.Meta()["generation"] = (live.Int("metadata", "generation") ?? 0) + 1;
            ThrowIfInvalid(definition, obj, live, strategyContext);
            await admission.ValidateAsync(request, ct);
            if (obj.SameAs(live))
                return new Written(stored, null);
            if (context.DryRun)
                return new Written(null, obj);
            var gone = IsDone(definition, obj);
            var result = gone
                ? await store.DeleteAsync(stored, await ToStorageAsync(definition, obj, ct))
                : await store.UpdateAsync(stored, await ToStorageAsync(definition, obj, ct));
            switch (result.Outcome)
            {
                case WriteOutcome.Done:
                    return new Written(result.Object, null, Gone: gone);
                case WriteOutcome.NotFound:
                    throw ApiException.NotFound(definition.Key, name);
                case var _ when attempt >= MaxAttempts:
                    throw ApiException.Modified(definition.Key, name);
            }
        }
    }

    /// <summary>Which parts of a written object count, for the endpoint it was written to; what the system owns stays.</summary>
    private static JsonObject Compose(ResourceDefinition definition, JsonObject live, JsonObject wanted, string subresource)
    {
        JsonObject obj;
        switch (subresource)
        {
            case "status":
                obj = live.Copy();
                SetOrRemove(obj, "status", wanted["status"]);
                if (!definition.IsCustom)
                    obj["metadata"] = wanted.Meta().DeepClone();
                else if (wanted.At("metadata", "managedFields") is { } managed)
                    obj.Meta()["managedFields"] = managed.DeepClone();
                break;
            case "finalize":
                obj = live.Copy();
                SetOrRemove(obj.Child("spec"), "finalizers", wanted.At("spec", "finalizers"));
                break;
            default:
                obj = wanted;
                if (definition.HasStatus)
                    SetOrRemove(obj, "status", live["status"]);
                break;
        }
        var metadata = obj.Meta();
        foreach (var field in new[] { "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "generateName" })
            SetOrRemove(metadata, field, live.At("metadata", field));
        metadata.Remove("selfLink");
        return obj;
    }

    private static void SetOrRemove(JsonObject obj, string name, JsonNode? value)
    {
        if (value is null)
            obj.Remove(name);
        else
            obj[name] = value.DeepClone();
    }

    private static JsonObject SpecOf(ResourceDefinition definition, JsonObject obj)
    {
        var spec = obj.Copy();
        spec.Remove("metadata");
        if (definition.HasStatus)
            spec.Remove("status");
        return spec;
    }

    private static void ThrowIfInvalid(ResourceDefinition definition, JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var causes = ObjectRules.Validate(definition, obj, old, context);
        if (causes.Count > 0)
            throw ApiException.Invalid(definition.Key.Group, definition.Kind, obj.Name(), causes);
    }

    /// <summary>Marked for deletion and nobody left to wait for.</summary>
    private static bool IsDone(ResourceDefinition definition, JsonObject obj) =>
        obj.At("metadata", "deletionTimestamp") is not null
        && obj.Arr("metadata", "finalizers") is null or { Count: 0 }
        && obj.Int("metadata", "deletionGracePeriodSeconds") is null or 0
        && !definition.Strategy.HoldsDeletion(obj);

    // ---- delete ------------------------------------------------------------------------------------------------------------

    public async Task<Written> DeleteAsync(RequestContext context, ResourceDefinition definition, string ns, string name, JsonObject? options, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            var stored = Find(definition, ns, name);
            CheckPreconditions(definition, stored, options);
            var live = Read(definition, stored);
            var request = new AdmissionRequest(context, Operation.Delete, definition, ns, name, "", null, live);
            await admission.MutateAsync(request, ct);
            await admission.ValidateAsync(request, ct);
            var obj = MarkDeleted(definition, live, options);
            if (context.DryRun)
                return new Written(null, obj, Gone: IsDone(definition, obj));
            if (obj.SameAs(live))
                return new Written(stored, null);
            var gone = IsDone(definition, obj);
            var result = gone
                ? await store.DeleteAsync(stored, await ToStorageAsync(definition, obj, ct))
                : await store.UpdateAsync(stored, await ToStorageAsync(definition, obj, ct));
            switch (result.Outcome)
            {
                case WriteOutcome.Done:
                    return new Written(result.Object, null, Gone: gone);
                case WriteOutcome.NotFound:
                    throw ApiException.NotFound(definition.Key, name);
                case var _ when attempt >= MaxAttempts:
                    throw ApiException.Modified(definition.Key, name);
            }
        }
    }

    private static void CheckPreconditions(ResourceDefinition definition, StoredObject stored, JsonObject? options)
    {
        // Here, and only here, a real server names the kind where others name the resource.
        var kind = definition.Key with { Plural = definition.Kind };
        if (options.Str("preconditions", "uid") is { } uid && uid != stored.Uid)
            throw ApiException.Conflict(kind, stored.Name, $"the UID in the precondition ({uid}) does not match the UID in record ({stored.Uid}). The object might have been deleted and then recreated");
        var rv = stored.ResourceVersion.ToString(CultureInfo.InvariantCulture);
        if (options.Str("preconditions", "resourceVersion") is { } asked && asked != rv)
            throw ApiException.Conflict(kind, stored.Name, $"the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({rv}). The object might have been modified");
    }

    private JsonObject MarkDeleted(ResourceDefinition definition, JsonObject live, JsonObject? options)
    {
        var obj = live.Copy();
        var metadata = obj.Meta();
        Propagate(definition, metadata, options);
        var grace = definition.Strategy.GracePeriodSeconds(live, options.Int("gracePeriodSeconds"));
        if (metadata["deletionTimestamp"] is not null)
        {
            // A second delete can only shorten the wait.
            if (grace < (metadata.Int("deletionGracePeriodSeconds") ?? 0))
                metadata["deletionGracePeriodSeconds"] = grace;
            return obj;
        }
        metadata["deletionTimestamp"] = time.GetUtcNow().AddSeconds(grace).Kube();
        metadata["deletionGracePeriodSeconds"] = grace;
        if (definition.TracksGeneration)
            metadata["generation"] = (metadata.Int("generation") ?? 0) + 1;
        definition.Strategy.BeginDeletion(obj);
        return obj;
    }

    private static void Propagate(ResourceDefinition definition, JsonObject metadata, JsonObject? options)
    {
        var finalizers = metadata.Arr("finalizers")?.Select(f => f.AsString() ?? "").ToList() ?? [];
        var policy = options.Str("propagationPolicy")
            ?? options.Bool("orphanDependents") switch { true => "Orphan", false => "Background", null => null }
            ?? (finalizers.Contains(Orphan) ? "Orphan" : finalizers.Contains(Foreground) ? "Foreground" : definition.DefaultPropagation);
        finalizers.RemoveAll(f => f is Orphan or Foreground);
        if (policy != "Background")
            finalizers.Add(policy == "Orphan" ? Orphan : Foreground);
        if (finalizers.Count > 0)
            metadata["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]);
        else
            metadata.Remove("finalizers");
    }

    /// <summary>What a delete answers with when the object is gone and the kind doesn't show it a last time.</summary>
    public static JsonObject DeletedStatus(ResourceDefinition definition, string name, string uid)
    {
        var details = new JsonObject { ["name"] = name };
        if (definition.Key.Group.Length > 0)
            details["group"] = definition.Key.Group;
        details["kind"] = definition.Key.Plural;
        details["uid"] = uid;
        return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }

    /// <summary>As Kubernetes: five characters without vowels, so that no words come out.</summary>
    private static string Generate(string prefix) =>
        (prefix.Length > 58 ? prefix[..58] : prefix) + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
}
