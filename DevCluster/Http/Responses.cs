using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Http;

/// <summary>Writing objects, lists and statuses in the form that was asked for. Stored bytes go out as they are wherever possible.</summary>
internal static class Responses
{
    /// <summary>Smaller answers aren't worth the compression, as in Kubernetes.</summary>
    private const int CompressFrom = 128 * 1024;

    public static async Task StatusAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        if (error.Details.Int("retryAfterSeconds") is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await JsonAsync(context, error.Code, error.ToStatus());
    }

    public static Task JsonAsync(HttpContext context, int code, JsonNode body, bool yaml = false) =>
        yaml ? BytesAsync(context, code, "application/yaml", Encoding.UTF8.GetBytes(Yaml.Write(body)))
            : BytesAsync(context, code, "application/json", body.ToUtf8());

    public static async Task BytesAsync(HttpContext context, int code, string type, params IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var response = context.Response;
        response.StatusCode = code;
        response.ContentType = type;
        if (type == "application/json" && context.Request.Query["pretty"].ToString() is "true" or "1")
            parts = [Pretty(parts)];
        long length = 0;
        foreach (var part in parts)
            length += part.Length;
        if (length >= CompressFrom && context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            response.Headers.ContentEncoding = "gzip";
            response.Headers.Vary = "Accept-Encoding";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest);
            foreach (var part in parts)
                await gzip.WriteAsync(part, context.RequestAborted);
            return;
        }
        response.ContentLength = length;
        var writer = response.BodyWriter;
        foreach (var part in parts)
        {
            Put(writer, part.Span);
            if (writer.UnflushedBytes > 64 * 1024)
                await writer.FlushAsync(context.RequestAborted);
        }
        await writer.FlushAsync(context.RequestAborted);
    }

    private static byte[] Pretty(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var all = new System.Buffers.ArrayBufferWriter<byte>();
        foreach (var part in parts)
            System.Buffers.BuffersExtensions.Write(all, part.Span);
        var indented = new System.Buffers.ArrayBufferWriter<byte>(all.WrittenCount * 2);
        using (var writer = new System.Text.Json.Utf8JsonWriter(indented, JsonExtensions.WriterOptions with { Indented = true }))
            JsonReader.Parse(all.WrittenSpan)?.WriteTo(writer);
        return [.. indented.WrittenSpan, (byte)'\n'];
    }

    public static Task ObjectAsync(HttpContext context, int code, Negotiated form, ResourceDefinition definition, Written written, DateTimeOffset now)
    {
        if (form is { View: View.Object, Yaml: false } && written.Stored is { } stored)
            return BytesAsync(context, code, "application/json", StoredForms.Render(definition, stored));
        var obj = written.Stored is { } s ? StoredForms.Read(definition, s) : written.Unsaved!;
        return JsonAsync(context, code, form.View switch
        {
            View.Table => Table(definition, [obj], obj.Str("metadata", "resourceVersion") ?? "", null, null, context.Request, form.Version, now, headers: true),
            View.PartialMetadata => Partial(obj, form.Version),
            _ => obj,
        }, form.Yaml);
    }

    public static Task ListAsync(HttpContext context, Negotiated form, ResourceDefinition definition, ListPage page, DateTimeOffset now)
    {
        var version = page.ResourceVersion.ToString(CultureInfo.InvariantCulture);
        if (form.View == View.Table)
        {
            var items = page.Items.Select(i => StoredForms.Read(definition, i));
            return JsonAsync(context, 200, Table(definition, items, version, page.Continue, page.Remaining, context.Request, form.Version, now, headers: true), form.Yaml);
        }
        if (form.View == View.PartialMetadata || form.Yaml)
        {
            var list = new JsonObject
            {
                ["kind"] = form.View == View.PartialMetadata ? "PartialObjectMetadataList" : definition.ListKind,
                ["apiVersion"] = form.View == View.PartialMetadata ? "meta.k8s.io/" + form.Version : definition.ApiVersion,
                ["metadata"] = ListMeta(version, page.Continue, page.Remaining),
                ["items"] = new JsonArray([.. page.Items.Select(i => StoredForms.Read(definition, i)).Select(o => form.View == View.PartialMetadata ? Partial(o, form.Version) : o)]),
            };
            return JsonAsync(context, 200, list, form.Yaml);
        }
        var parts = new List<ReadOnlyMemory<byte>>((page.Items.Count * 3) + 2);
        var head = $$"""{"kind":"{{definition.ListKind}}","apiVersion":"{{definition.ApiVersion}}","metadata":{{ListMeta(version, page.Continue, page.Remaining).ToJsonString()}},"items":[""";
        parts.Add(Encoding.UTF8.GetBytes(head));
        var type = definition.IsCustom ? [(byte)'-'] : Encoding.UTF8.GetBytes($$"""{"apiVersion":"{{definition.ApiVersion}}","kind":"{{definition.Kind}}",""");
        for (var i = 0; i < page.Items.Count; i++)
        {
            if (i > 0)
                parts.Add(Comma);
            var item = StoredForms.Render(definition, page.Items[i]);
            // Items of built-in lists say no type: their list does.
            if (item.Span.StartsWith(type))
            {
                parts.Add(Open);
                item = item[type.Length..];
            }
            parts.Add(item);
        }
        parts.Add(ListEnd);
        return BytesAsync(context, 200, "application/json", parts);
    }

    private static readonly byte[] Comma = ","u8.ToArray();
    private static readonly byte[] Open = "{"u8.ToArray();
    private static readonly byte[] ListEnd = "]}\n"u8.ToArray();

    private static JsonObject ListMeta(string version, string? next, long? remaining)
    {
        var metadata = new JsonObject { ["resourceVersion"] = version };
        if (next is not null)
            metadata["continue"] = next;
        if (remaining is not null)
            metadata["remainingItemCount"] = remaining;
        return metadata;
    }

    public static JsonObject Partial(JsonObject obj, string version) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/" + version,
        ["metadata"] = obj["metadata"]?.DeepClone(),
    };

    public static JsonObject Table(
        ResourceDefinition definition, IEnumerable<JsonObject> items, string version, string? next, long? remaining, HttpRequest request, string tableVersion, DateTimeOffset now, bool headers)
    {
        var include = request.Query["includeObject"].ToString();
        if (include is not ("" or "Object" or "None" or "Metadata"))
            throw ApiException.BadRequest($"unrecognized includeObject value: {include}");
        var rows = new JsonArray();
        foreach (var item in items)
        {
            var row = new JsonObject { ["cells"] = new JsonArray([.. definition.Columns.Select(c => c.Value(item, now))]) };
            if (include == "Object")
                row["object"] = item.DeepClone();
            else if (include != "None")
                row["object"] = Partial(item, tableVersion);
            rows.Add((JsonNode)row);
        }
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/" + tableVersion,
            ["metadata"] = ListMeta(version, next, remaining),
            ["columnDefinitions"] = headers ? new JsonArray([.. definition.Columns.Select(c => new JsonObject
            {
                ["name"] = c.Name, ["type"] = c.Type, ["format"] = c.Format, ["description"] = c.Description, ["priority"] = c.Priority,
            })]) : [],
            ["rows"] = rows,
        };
    }

    /// <summary>Writes watch frames until the watch ends; flushes whenever there is nothing more to write at once.</summary>
    public static async Task WatchAsync(HttpContext context, Negotiated form, ResourceDefinition definition, IAsyncEnumerable<WatchFrame> frames, TimeProvider time)
    {
        var ct = context.RequestAborted;
        await using var source = frames.GetAsyncEnumerator(ct);
        // The first step runs the checks, so that a bad query is still answered with a Status.
        var step = source.MoveNextAsync().AsTask();
        var more = step.IsCompleted ? await step : (bool?)null;
        context.Response.StatusCode = 200;
        context.Response.ContentType = "application/json";
        var writer = context.Response.BodyWriter;
        await writer.FlushAsync(ct);
        more ??= await step;
        var first = true;
        while (more == true)
        {
            Write(writer, context.Request, form, definition, source.Current, time.GetUtcNow(), first);
            first = false;
            step = source.MoveNextAsync().AsTask();
            if (!step.IsCompleted)
                await writer.FlushAsync(ct);
            else if (writer.UnflushedBytes > 64 * 1024)
                await writer.FlushAsync(ct);
            more = await step;
        }
        await writer.FlushAsync(ct);
    }

    private static void Write(System.IO.Pipelines.PipeWriter writer, HttpRequest request, Negotiated form, ResourceDefinition definition, WatchFrame frame, DateTimeOffset now, bool first)
    {
        Put(writer, frame.Type switch
        {
            "ADDED" => "{\"type\":\"ADDED\",\"object\":"u8,
            "MODIFIED" => "{\"type\":\"MODIFIED\",\"object\":"u8,
            "DELETED" => "{\"type\":\"DELETED\",\"object\":"u8,
            "BOOKMARK" => "{\"type\":\"BOOKMARK\",\"object\":"u8,
            _ => "{\"type\":\"ERROR\",\"object\":"u8,
        });
        if (frame.Error is { } error)
            Put(writer, error.ToUtf8());
        else if (frame.Object is not { } stored)
            Put(writer, Bookmark(form, definition, frame).ToUtf8());
        else if (form.View == View.Object)
            Put(writer, StoredForms.Render(definition, stored).Span);
        else
        {
            var obj = StoredForms.Read(definition, stored);
            Put(writer, (form.View == View.Table
                ? Table(definition, [obj], stored.ResourceVersion.ToString(CultureInfo.InvariantCulture), null, null, request, form.Version, now, first)
                : Partial(obj, form.Version)).ToUtf8());
        }
        Put(writer, "}\n"u8);
    }

    private static JsonObject Bookmark(Negotiated form, ResourceDefinition definition, WatchFrame frame)
    {
        var metadata = new JsonObject { ["resourceVersion"] = frame.BookmarkVersion.ToString(CultureInfo.InvariantCulture) };
        if (frame.InitialEventsEnd)
            metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        return form.View switch
        {
            View.PartialMetadata => new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/" + form.Version, ["metadata"] = metadata },
            View.Table => new JsonObject
            {
                ["kind"] = "Table",
                ["apiVersion"] = "meta.k8s.io/" + form.Version,
                ["metadata"] = new JsonObject { ["resourceVersion"] = metadata.Str("resourceVersion") },
                ["columnDefinitions"] = new JsonArray(),
                ["rows"] = new JsonArray(new JsonObject
                {
                    ["cells"] = new JsonArray(),
                    ["object"] = new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/" + form.Version, ["metadata"] = metadata },
                }),
            },
            _ => new JsonObject { ["kind"] = definition.Kind, ["apiVersion"] = definition.ApiVersion, ["metadata"] = metadata },
        };
    }

    private static void Put(System.IO.Pipelines.PipeWriter writer, ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(writer, bytes);
}
