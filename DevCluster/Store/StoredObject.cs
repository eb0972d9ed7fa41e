using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Store;

/// <summary>
/// One version of one object: immutable bytes, shared by every list and watch that shows it. What selectors and the garbage
/// collector ask about is read from the bytes on first use and kept.
/// </summary>
public sealed class StoredObject(long id, string table, string ns, string name, long resourceVersion, ReadOnlyMemory<byte> json)
{
    private ObjectIndex? _index;
    private volatile Dictionary<string, string>? _fields;

    /// <summary>Row id in the database; stays over updates.</summary>
    internal long Id { get; } = id;

    /// <summary>The storage table, <c>group/plural</c>: shared by all served versions of a resource.</summary>
    public string Table { get; } = table;

    /// <summary>Empty for cluster-scoped objects.</summary>
    public string Namespace { get; } = ns;

    public string Name { get; } = name;

    public long ResourceVersion { get; } = resourceVersion;

    public ReadOnlyMemory<byte> Json { get; } = json;

    internal ObjectIndex Index => _index ??= ObjectIndex.Read(Json);

    public string Uid => Index.Uid;

    public JsonObject Parse() => JsonReader.ParseObject(Json.Span);

    /// <summary>The value at a dotted path as a field selector compares it; missing is the empty string.</summary>
    internal string Field(string path)
    {
        if (path == "metadata.name")
            return Name;
        if (path == "metadata.namespace")
            return Namespace;
        if (_fields is { } known && known.TryGetValue(path, out var value))
            return value;
        using var document = JsonDocument.Parse(Json, new JsonDocumentOptions { MaxDepth = JsonReader.MaxDepth * 2 });
        var element = document.RootElement;
        value = "";
        foreach (var step in path.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element))
            {
                element = default;
                break;
            }
        }
        if (element.ValueKind == JsonValueKind.String)
            value = element.GetString()!;
        else if (element.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)
            value = element.GetRawText();
        _fields = new Dictionary<string, string>(_fields ?? []) { [path] = value };
        return value;
    }
}

internal sealed record OwnerReference(string Uid, string ApiVersion, string Kind, string Name, bool BlockOwnerDeletion);

internal sealed record ObjectIndex(
    string Uid,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<OwnerReference> Owners,
    bool Deleting,
    IReadOnlyList<string> Finalizers)
{
    private static readonly Dictionary<string, string> NoLabels = [];

    public static ObjectIndex Read(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = JsonReader.MaxDepth * 2 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (isMetadata)
            {
                using var metadata = JsonDocument.ParseValue(ref reader);
                return FromMetadata(metadata.RootElement);
            }
            reader.Skip();
        }
        return new ObjectIndex("", NoLabels, [], false, []);
    }

    private static ObjectIndex FromMetadata(JsonElement metadata)
    {
        var uid = "";
        var labels = NoLabels;
        List<OwnerReference> owners = [];
        List<string> finalizers = [];
        var deleting = false;
        foreach (var property in metadata.EnumerateObject())
        {
            switch (property.Name)
            {
                case "uid":
                    uid = property.Value.GetString() ?? "";
                    break;
                case "deletionTimestamp":
                    deleting = property.Value.ValueKind == JsonValueKind.String;
                    break;
                case "labels" when property.Value.ValueKind == JsonValueKind.Object:
                    labels = new Dictionary<string, string>(StringComparer.Ordinal);
                    foreach (var label in property.Value.EnumerateObject())
                        labels[label.Name] = label.Value.GetString() ?? "";
                    break;
                case "finalizers" when property.Value.ValueKind == JsonValueKind.Array:
                    foreach (var finalizer in property.Value.EnumerateArray())
                        finalizers.Add(finalizer.GetString() ?? "");
                    break;
                case "ownerReferences" when property.Value.ValueKind == JsonValueKind.Array:
                    foreach (var owner in property.Value.EnumerateArray())
                    {
                        owners.Add(new OwnerReference(
                            Text(owner, "uid"), Text(owner, "apiVersion"), Text(owner, "kind"), Text(owner, "name"),
                            owner.TryGetProperty("blockOwnerDeletion", out var block) && block.ValueKind == JsonValueKind.True));
                    }
                    break;
            }
        }
        return new ObjectIndex(uid, labels, owners, deleting, finalizers);
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
