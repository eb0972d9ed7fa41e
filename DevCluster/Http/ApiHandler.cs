using System.Text.Json.Nodes;
using Troupe.DevCluster.Aggregation;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Discovery;
using Troupe.DevCluster.Http.Protobuf;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Security;

namespace Troupe.DevCluster.Http;

/// <summary>
/// Every HTTP request: who is it, what is it for, may he, and then either a resource verb, discovery, or the way to an
/// aggregated server. Any failure becomes a Status.
/// </summary>
internal sealed class ApiHandler(
    ResourceRegistry registry,
    ResourceService resources,
    ListService lists,
    Authenticator authenticator,
    IAuthorizer authorizer,
    DiscoveryDocuments discovery,
    OpenApiDocuments openApi,
    ApiAggregator aggregator,
    PodLogs podLogs,
    RequestMetrics metrics,
    TimeProvider time,
    ILogger log)
{
    private readonly ProtobufBodies _protobuf = new(registry);

    private readonly ScaleEndpoint _scales = new(resources, new ProtobufBodies(registry));

    public async Task HandleAsync(HttpContext context)
    {
        var client = context.RequestAborted;
        CancellationTokenSource? deadline = null;
        try
        {
            if (RequestTimeout.Of(context.Request) is { } limit)
            {
                deadline = CancellationTokenSource.CreateLinkedTokenSource(client);
                deadline.CancelAfter(limit);
                context.RequestAborted = deadline.Token;
            }
            await RouteAsync(context);
        }
        catch (ApiException e)
        {
            await Responses.StatusAsync(context, e);
        }
        catch (OperationCanceledException) when (client.IsCancellationRequested)
        {
            // The client left.
        }
        catch (OperationCanceledException) when (deadline?.IsCancellationRequested == true)
        {
            context.RequestAborted = client;
            await Responses.StatusAsync(context, new ApiException(504, "Timeout", "Timeout: request did not complete within the requested timeout", new JsonObject()));
        }
        catch (BadHttpRequestException e)
        {
            await Responses.StatusAsync(context, new ApiException(e.StatusCode, "BadRequest", e.Message));
        }
        catch (IOException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left in the middle of its body.
        }
        catch (Exception e)
        {
            log.LogError(e, "{Method} {Path} failed", context.Request.Method, context.Request.Path);
            await Responses.StatusAsync(context, ApiException.Internal(e.Message));
        }
        finally
        {
            context.RequestAborted = client;
            deadline?.Dispose();
        }
    }

    private async Task RouteAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (path is "/healthz" or "/readyz" or "/livez" || path.StartsWith("/readyz/", StringComparison.Ordinal) || path.StartsWith("/livez/", StringComparison.Ordinal))
        {
            var word = context.Request.Query.ContainsKey("verbose") ? $"[+]ping ok\n{path.Split('/')[1]} check passed\n" : "ok";
            await Responses.BytesAsync(context, 200, "text/plain; charset=utf-8", System.Text.Encoding.ASCII.GetBytes(word));
            return;
        }
        context.Response.Headers.CacheControl = "no-cache, private";
        var caller = await authenticator.RequestAsync(context) ?? throw ApiException.Unauthorized();
        var user = Impersonation.Apply(caller, context.Request.Headers, authorizer);
        var target = RequestTarget.Parse(path);
        if (target is { Plural.Length: > 0 })
        {
            var attributes = Attributes(user, context.Request, target);
            Authorize(attributes);
            if (aggregator.Find(target.Group, target.Version) is { } backend)
                await aggregator.ProxyAsync(context, backend, user);
            else
                await ResourceAsync(context, user, target, attributes.Verb);
            return;
        }
        Authorize(new AuthorizationAttributes(user, context.Request.Method.ToLowerInvariant(), Path: path));
        if (target is not null && aggregator.Find(target.Group, target.Version) is { } service)
        {
            await aggregator.ProxyAsync(context, service, user);
            return;
        }
        if (context.Request.Method is not ("GET" or "HEAD"))
            throw ApiException.MethodNotAllowed(context.Request.Method);
        if (path == "/metrics")
        {
            await metrics.ServeAsync(context);
            return;
        }
        if (path.StartsWith("/openapi/", StringComparison.Ordinal))
        {
            if (path.Split('/') is ["", "openapi", "v3", "apis", var foreignGroup, var foreignVersion] && aggregator.Find(foreignGroup, foreignVersion) is { } foreign)
                await aggregator.ProxyAsync(context, foreign, user);
            else
                await openApi.ServeAsync(context, path);
            return;
        }
        var form = Negotiated.From(context.Request.Headers.Accept, discovery: true);
        if (form.View == View.AggregatedDiscovery && path.TrimEnd('/') is "/api" or "/apis")
        {
            var bytes = discovery.Aggregated(path.TrimEnd('/'), form.Version);
            await Responses.BytesAsync(context, 200, $"application/json;g=apidiscovery.k8s.io;v={form.Version};as=APIGroupDiscoveryList", bytes);
            return;
        }
        await Responses.JsonAsync(context, 200, discovery.Plain(path, context.Request) ?? throw ApiException.UnknownPath(), form.Yaml);
    }

    private void Authorize(AuthorizationAttributes attributes)
    {
        var decision = authorizer.Authorize(attributes);
        if (!decision.Allowed)
            throw Forbidden.For(attributes, decision.Reason);
    }

    private static AuthorizationAttributes Attributes(UserInfo user, HttpRequest request, RequestTarget target)
    {
        var named = target.Name.Length > 0;
        var verb = request.Method switch
        {
            "GET" or "HEAD" when named && !target.LegacyWatch => "get",
            "GET" or "HEAD" => target.LegacyWatch || RequestOptions.Flag(request, "watch") ? "watch" : "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => named ? "delete" : "deletecollection",
            var other => other.ToLowerInvariant(),
        };
        return new AuthorizationAttributes(user, verb, target.Namespace ?? "", target.Group, target.Version, target.Plural, target.Subresource, target.Name);
    }

    private async Task ResourceAsync(HttpContext context, UserInfo user, RequestTarget target, string verb)
    {
        var request = context.Request;
        var ct = context.RequestAborted;
        var definition = registry.Find(new ResourceKey(target.Group, target.Version, target.Plural)) ?? throw ApiException.UnknownPath();
        if (target.Namespace is not null && !definition.Namespaced)
            throw ApiException.UnknownPath();
        var ns = target.Namespace ?? "";
        if (definition.Namespaced && target.Namespace is null && target.Name.Length > 0)
            throw ApiException.UnknownPath();
        var write = RequestOptions.Write(request, user);
        var form = Negotiated.From(request.Headers.Accept);
        if (target.Subresource.Length > 0)
        {
            await SubresourceAsync(context, write, definition, ns, target, verb, form);
            return;
        }
        var named = target.Name.Length > 0;
        if (!definition.Verbs.Contains(verb) || (verb is "update" or "patch" && !named) || (verb == "create" && named))
            throw ApiException.MethodNotAllowed(verb);
        switch (verb)
        {
            case "get":
                var found = resources.Find(definition, ns, target.Name);
                if (definition.Conversion is { } single)
                    await single.PrepareAsync([found], definition.ApiVersion, ct);
                await Responses.ObjectAsync(context, 200, form, definition, new Written(found, null), time.GetUtcNow());
                break;
            case "list":
                var listed = lists.List(definition, target.Namespace, RequestOptions.List(request));
                if (definition.Conversion is { } many)
                    await many.PrepareAsync(listed.Items, definition.ApiVersion, ct);
                await Responses.ListAsync(context, form, definition, listed, time.GetUtcNow());
                break;
            case "watch":
                var options = RequestOptions.List(request);
                if (target.Name.Length > 0)
                    options = options with { FieldSelector = "metadata.name=" + target.Name };
                await Responses.WatchAsync(context, form, definition, lists.WatchAsync(definition, target.Namespace, options, context.Abort, ct), time);
                break;
            case "create" when definition.Answer is { } answer:
                var question = await BodyAsync(context, write, ct);
                ObjectRules.Decode(write, definition, question);
                await Responses.JsonAsync(context, 201, await resources.AskAsync(write, definition, ns, question, answer, ct), form.Yaml);
                break;
            case "create":
                if (definition.Namespaced && target.Namespace is null)
                    throw ApiException.MethodNotAllowed(verb);
                await RespondAsync(context, write, form, definition, await resources.CreateAsync(write, definition, ns, await BodyAsync(context, write, ct), applied: false, ct));
                break;
            case "update":
                await RespondAsync(context, write, form, definition, await resources.UpdateAsync(write, definition, ns, target.Name, "", await BodyAsync(context, write, ct), ct));
                break;
            case "patch":
                await RespondAsync(context, write, form, definition, await PatchAsync(context, write, definition, ns, target.Name, "", ct));
                break;
            case "delete":
                var deletion = await DeleteOptionsAsync(context, ct);
                write = write with { DryRun = write.DryRun || deletion.Arr("dryRun") is { Count: > 0 } };
                var deleted = await resources.DeleteAsync(write, definition, ns, target.Name, deletion, ct);
                await RespondDeletedAsync(context, write, form, definition, target.Name, deleted);
                break;
            case "deletecollection":
                await DeleteCollectionAsync(context, write, form, definition, target.Namespace, ct);
                break;
            default:
                throw ApiException.MethodNotAllowed(verb);
        }
    }

    private async Task SubresourceAsync(HttpContext context, RequestContext write, ResourceDefinition definition, string ns, RequestTarget target, string verb, Negotiated form)
    {
        var ct = context.RequestAborted;
        var (name, sub) = (target.Name, target.Subresource);
        if ((sub == "status" && definition.HasStatus) || definition.Subresources.GetValueOrDefault(sub)?.SpecField is not null)
        {
            var written = verb switch
            {
                "get" => new Written(resources.Find(definition, ns, name), null),
                "update" => await resources.UpdateAsync(write, definition, ns, name, sub, await BodyAsync(context, write, ct), ct),
                "patch" => await PatchAsync(context, write, definition, ns, name, sub, ct),
                _ => throw ApiException.MethodNotAllowed(verb),
            };
            await RespondAsync(context, write, form, definition, written);
            return;
        }
        if (sub == "scale" && definition.Scale is not null)
        {
            await _scales.ServeAsync(context, write, definition, ns, name, verb, form, ct);
            return;
        }
        if (!definition.Subresources.TryGetValue(sub, out var custom))
            throw ApiException.UnknownPath();
        if (custom.Post is { } post)
        {
            if (verb != "create")
                throw ApiException.MethodNotAllowed(verb);
            var body = await BodyAsync(context, write, ct);
            await Responses.JsonAsync(context, 201, await resources.PostAsync(write, definition, ns, name, sub, post, body, ct), form.Yaml);
            return;
        }
        if (custom.Connect is { } connect)
        {
            if (verb is not ("get" or "create"))
                throw ApiException.MethodNotAllowed(verb);
            var subject = resources.Find(definition, ns, name);
            await resources.ConnectAsync(write, definition, ns, name, sub, ConnectOptions.Of(custom, context.Request.Query), ct);
            await connect(context, subject);
            return;
        }
        if (verb != "get")
            throw ApiException.MethodNotAllowed(verb);
        await podLogs.ServeAsync(context, resources.Find(definition, ns, name));
    }

    private async Task<Written> PatchAsync(HttpContext context, RequestContext write, ResourceDefinition definition, string ns, string name, string sub, CancellationToken ct)
    {
        var (kind, yaml) = Bodies.Patch(Bodies.MediaType(context.Request));
        var bytes = await Bodies.ReadAsync(context.Request, ct);
        var patch = Bodies.Parse(bytes, yaml, write.Duplicates) ?? throw ApiException.BadRequest("the patch is empty");
        if (kind == PatchKind.Apply && context.Request.Query["fieldManager"].Count == 0)
        {
            throw ApiException.Invalid("meta.k8s.io", "PatchOptions", "", [new("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")]);
        }
        return await resources.PatchAsync(write, definition, ns, name, sub, kind, patch, ct);
    }

    private async Task DeleteCollectionAsync(HttpContext context, RequestContext write, Negotiated form, ResourceDefinition definition, string? ns, CancellationToken ct)
    {
        var options = await DeleteOptionsAsync(context, ct);
        write = write with { DryRun = write.DryRun || options.Arr("dryRun") is { Count: > 0 } };
        var page = lists.List(definition, ns, RequestOptions.List(context.Request) with { Limit = null, Continue = null });
        foreach (var item in page.Items)
        {
            try
            {
                await resources.DeleteAsync(write, definition, item.Namespace, item.Name, options, ct);
            }
            catch (ApiException e) when (e.Code == 404)
            {
                // Someone else was faster; gone is what was asked for.
            }
        }
        await Responses.ListAsync(context, form, definition, page, time.GetUtcNow());
    }

    private Task RespondAsync(HttpContext context, RequestContext write, Negotiated form, ResourceDefinition definition, Written written)
    {
        Warn(context, write);
        return Responses.ObjectAsync(context, written.Created ? 201 : 200, form, definition, written, time.GetUtcNow());
    }

    private Task RespondDeletedAsync(HttpContext context, RequestContext write, Negotiated form, ResourceDefinition definition, string name, Written deleted)
    {
        if (deleted.Gone && !definition.ReturnsDeleted)
        {
            var uid = deleted.Stored?.Uid ?? deleted.Unsaved.Str("metadata", "uid") ?? "";
            return Responses.JsonAsync(context, 200, Deletions.DeletedStatus(definition, name, uid), form.Yaml);
        }
        return RespondAsync(context, write, form, definition, deleted);
    }

    private static void Warn(HttpContext context, RequestContext write)
    {
        foreach (var warning in write.Warnings)
            context.Response.Headers.Append("Warning", $"299 - \"{warning.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
    }

    private Task<JsonObject> BodyAsync(HttpContext context, RequestContext write, CancellationToken ct) =>
        Bodies.RequiredAsync(context.Request, _protobuf, write.Duplicates, ct);

    /// <summary>From the body, or without one from the query.</summary>
    private async Task<JsonObject> DeleteOptionsAsync(HttpContext context, CancellationToken ct)
    {
        var options = await Bodies.ObjectAsync(context.Request, _protobuf, null, ct);
        if (options is null)
            options = RequestOptions.Delete(context.Request.Query);
        DeleteRules.Check(options);
        return options;
    }
}
