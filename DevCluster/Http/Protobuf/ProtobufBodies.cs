using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Http.Protobuf;

/// <summary>
/// Reads request bodies of <c>application/vnd.kubernetes.protobuf</c>, in which newer kubectls send built-in kinds. The wire
/// numbers are data (messages.tsv: message, then "number field type" per field; taken from Kubernetes' published .proto files);
/// answers are always JSON, which all those clients accept.
/// </summary>
internal sealed class ProtobufBodies(ResourceRegistry registry)
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";

    private static readonly Lazy<Dictionary<string, Dictionary<int, Field>>> Messages = new(Load);

    /// <summary>
    /// proto2 as Kubernetes uses it writes plain fields even when they are zero; only where the API has a pointer does zero say
    /// something. These are the pointers that clients do set to zero.
    /// </summary>
    private static readonly HashSet<string> MeaningfulZero =
    [
        "replicas", "terminationGracePeriodSeconds", "runAsUser", "runAsGroup", "fsGroup", "gracePeriodSeconds", "parallelism", "completions", "backoffLimit",
        "activeDeadlineSeconds", "tolerationSeconds", "ttlSecondsAfterFinished", "automountServiceAccountToken", "enableServiceLinks", "allowPrivilegeEscalation",
        "runAsNonRoot", "suspend", "optional", "hostUsers", "orphanDependents", "revisionHistoryLimit", "partition", "value",
    ];

    private readonly record struct Field(string Name, string Type, bool Repeated, bool Map);

    /// <exception cref="ApiException">400 when the bytes aren't what they claim to be.</exception>
    public JsonObject Read(ReadOnlySpan<byte> body)
    {
        try
        {
            if (!body.StartsWith("k8s\0"u8))
                throw new FormatException("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
            string apiVersion = "", kind = "";
            ReadOnlySpan<byte> raw = default;
            var envelope = new WireReader(body[4..]);
            while (envelope.Next())
            {
                if (envelope.Number == 2)
                    raw = envelope.Bytes;
                if (envelope.Number != 1)
                    continue;
                var type = new WireReader(envelope.Bytes);
                while (type.Next())
                {
                    if (type.Number == 1)
                        apiVersion = Encoding.UTF8.GetString(type.Bytes);
                    else if (type.Number == 2)
                        kind = Encoding.UTF8.GetString(type.Bytes);
                }
            }
            var message = MessageFor(apiVersion, kind) ?? throw new FormatException($"no kind \"{kind}\" is registered for version \"{apiVersion}\"");
            var obj = Message(raw, message, registry.FindKind(apiVersion, kind)?.Schema.Value ?? Schema.Anything, 0);
            obj["apiVersion"] = apiVersion;
            obj["kind"] = kind;
            return obj;
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or System.Text.Json.JsonException)
        {
            throw ApiException.BadRequest("couldn't decode protobuf body: " + e.Message);
        }
    }

    private static string? MessageFor(string apiVersion, string kind)
    {
        var parts = apiVersion.Split('/');
        var package = parts.Length == 1 ? "core" : parts[0].Split('.')[0];
        string[] candidates = [$"{package}.{parts[^1]}.{kind}", $"meta.v1.{kind}"];
        return candidates.FirstOrDefault(Messages.Value.ContainsKey);
    }

    private static JsonObject Message(ReadOnlySpan<byte> bytes, string message, Schema schema, int depth)
    {
        if (depth > JsonReader.MaxDepth)
            throw new FormatException("nested too deeply");
        if (!Messages.Value.TryGetValue(message, out var fields))
            throw new FormatException($"unknown message {message}");
        var obj = new JsonObject();
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            if (!fields.TryGetValue(reader.Number, out var field))
                continue;
            if (field.Map)
                ReadEntry(obj.Child(field.Name), reader.Bytes, field.Type, schema.Inside(field.Name), depth);
            else if (field.Repeated)
            {
                if (obj[field.Name] is not JsonArray array)
                    obj[field.Name] = array = [];
                array.Add(Value(reader.Bytes, reader.Varint, field.Type, schema.Inside(field.Name).Items ?? Schema.Anything, depth));
            }
            else if (IsInlined(schema, field))
            {
                foreach (var (name, inner) in Message(reader.Bytes, field.Type, schema, depth + 1))
                    obj[name] = inner?.DeepClone();
            }
            else if (Value(reader.Bytes, reader.Varint, field.Type, schema.Inside(field.Name), depth) is { } plain && !IsEmpty(plain, field))
                obj[field.Name] = plain;
        }
        return obj;
    }

    /// <summary>Go embeds some structs (a volume's source, a probe's handler): a message on the wire, but no field of its own in JSON.</summary>
    private static bool IsInlined(Schema schema, Field field) =>
        schema.Type == SchemaType.Object && schema.Properties.Count > 0 && !schema.Properties.ContainsKey(field.Name) && Messages.Value.ContainsKey(field.Type);

    private static bool IsEmpty(JsonNode value, Field field) => value is JsonValue v
        && ((v.TryGetValue<string>(out var s) && s.Length == 0)
            || (v.TryGetValue<long>(out var n) && n == 0 && !MeaningfulZero.Contains(field.Name))
            || (v.TryGetValue<bool>(out var b) && !b && !MeaningfulZero.Contains(field.Name)));

    private static void ReadEntry(JsonObject map, ReadOnlySpan<byte> entry, string type, Schema schema, int depth)
    {
        var key = "";
        JsonNode? value = type == "string" ? "" : null;
        var reader = new WireReader(entry);
        while (reader.Next())
        {
            if (reader.Number == 1)
                key = Encoding.UTF8.GetString(reader.Bytes);
            else if (reader.Number == 2)
                value = Value(reader.Bytes, reader.Varint, type, schema.AdditionalProperties ?? Schema.Anything, depth);
        }
        map[key] = value;
    }

    private static JsonNode? Value(ReadOnlySpan<byte> bytes, ulong varint, string type, Schema schema, int depth)
    {
        var inner = new WireReader(bytes);
        switch (type)
        {
            case "string":
                return Encoding.UTF8.GetString(bytes);
            case "bytes":
                return Convert.ToBase64String(bytes);
            case "bool":
                return varint != 0;
            case "int32" or "int64" or "uint32" or "uint64":
                return unchecked((long)varint);
            case "double":
                return BitConverter.UInt64BitsToDouble(varint);
            case "time" or "microtime":
                return Time(bytes, type == "microtime");
            case "quantity":
                return inner.Next() ? Encoding.UTF8.GetString(inner.Bytes) : "0";
            case "intstr":
                return IntOrString(bytes);
            case "raw":
                return inner.Next() && inner.Bytes.Length > 0 ? JsonReader.Parse(inner.Bytes) : null;
            case "duration":
                return inner.Next() ? $"{unchecked((long)inner.Varint) / 1_000_000_000.0:0.#########}s" : "0s";
            default:
                return Message(bytes, type, schema, depth + 1);
        }
    }

    private static JsonNode? Time(ReadOnlySpan<byte> bytes, bool micro)
    {
        long seconds = 0, nanoseconds = 0;
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            if (reader.Number == 1)
                seconds = unchecked((long)reader.Varint);
            else if (reader.Number == 2)
                nanoseconds = unchecked((long)reader.Varint);
        }
        // Go's zero time stands for "no time".
        if (seconds is 0 or -62135596800)
            return null;
        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / 100).UtcDateTime;
        return time.ToString(micro ? "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'" : "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    private static JsonNode IntOrString(ReadOnlySpan<byte> bytes)
    {
        long type = 0, number = 0;
        var text = "";
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            switch (reader.Number)
            {
                case 1:
                    type = unchecked((long)reader.Varint);
                    break;
                case 2:
                    number = unchecked((int)reader.Varint);
                    break;
                case 3:
                    text = Encoding.UTF8.GetString(reader.Bytes);
                    break;
            }
        }
        return type == 0 ? number : text;
    }

    private static Dictionary<string, Dictionary<int, Field>> Load()
    {
        var messages = new Dictionary<string, Dictionary<int, Field>>();
        using var resource = typeof(ProtobufBodies).Assembly.GetManifestResourceStream("messages.tsv")!;
        using var reader = new StreamReader(resource);
        while (reader.ReadLine() is { } line)
        {
            var columns = line.Split('\t');
            messages[columns[0]] = columns.Skip(1).Where(c => c.Length > 0).Select(c => c.Split(' ')).ToDictionary(
                c => int.Parse(c[0], CultureInfo.InvariantCulture),
                c => new Field(c[1], c[2].TrimStart('[', ']', '{', '}'), c[2].StartsWith('['), c[2].StartsWith('{')));
        }
        return messages;
    }
}
