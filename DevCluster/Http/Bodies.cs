using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Http.Protobuf;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Http;

/// <summary>Reading request bodies, within limits.</summary>
internal static class Bodies
{
    /// <summary>Kubernetes' own limit of a request body.</summary>
    public const int MaxBytes = 3 * 1024 * 1024;

    /// <summary>A refused body is still read up to here: a client that is cut off while it sends often misses the answer.</summary>
    private const long MaxDrainedBytes = 64 * 1024 * 1024;

    public static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        using var buffer = new MemoryStream(request.ContentLength is > 0 and <= MaxBytes and var length ? (int)length : 4096);
        var chunk = new byte[16 * 1024];
        long total = 0;
        int read;
        while ((read = await request.Body.ReadAsync(chunk, ct)) > 0)
        {
            total += read;
            if (total <= MaxBytes)
                buffer.Write(chunk, 0, read);
            else if (total > MaxDrainedBytes)
                break;
        }
        return total > MaxBytes ? throw ApiException.TooLarge(MaxBytes) : buffer.ToArray();
    }

    /// <summary>The body as an object; an empty one is a bad request.</summary>
    public static async Task<JsonObject> RequiredAsync(HttpRequest request, ProtobufBodies protobuf, List<string>? duplicates, CancellationToken ct) =>
        await ObjectAsync(request, protobuf, duplicates, ct) ?? throw ApiException.BadRequest("couldn't get version/kind; json parse error: unexpected end of JSON input");

    /// <summary>The body as an object; null for an empty one.</summary>
    public static async Task<JsonObject?> ObjectAsync(HttpRequest request, ProtobufBodies protobuf, List<string>? duplicates, CancellationToken ct)
    {
        var bytes = await ReadAsync(request, ct);
        if (bytes.Length == 0)
            return null;
        if (MediaType(request) == ProtobufBodies.MediaType)
            return protobuf.Read(bytes);
        var node = Parse(bytes, IsYaml(MediaType(request)), duplicates);
        return node as JsonObject ?? throw ApiException.BadRequest("couldn't get version/kind; json parse error: the body is not an object");
    }

    public static JsonNode? Parse(byte[] bytes, bool yaml, List<string>? duplicates)
    {
        try
        {
            return yaml ? Yaml.Parse(Encoding.UTF8.GetString(bytes), duplicates) : JsonReader.Parse(bytes, duplicates);
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest("couldn't get version/kind; json parse error: " + e.Message);
        }
    }

    public static string MediaType(HttpRequest request) => (request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant();

    /// <exception cref="ApiException">415 for anything but JSON and YAML.</exception>
    private static bool IsYaml(string type) => type switch
    {
        "" or "application/json" or "*/*" or "text/plain" or "application/x-www-form-urlencoded" => false,
        "application/yaml" => true,
        _ => throw ApiException.UnsupportedMediaType($"accepted media types include: application/json, application/yaml (got {type})"),
    };

    public static (PatchKind Kind, bool Yaml) Patch(string type) => type switch
    {
        "application/json-patch+json" => (PatchKind.JsonPatch, false),
        "application/merge-patch+json" => (PatchKind.MergePatch, false),
        "application/strategic-merge-patch+json" => (PatchKind.StrategicMerge, false),
        "application/apply-patch+yaml" => (PatchKind.Apply, true),
        "application/apply-patch+json" => (PatchKind.Apply, false),
        _ => throw ApiException.UnsupportedMediaType(
            $"accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml (got {type})"),
    };
}
