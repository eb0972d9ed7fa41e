using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Troupe.DevCluster.Nodes.Images;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>Reads API objects into the records of this folder. A JSON null means "not set" (as everywhere in Kubernetes), never a null list.</summary>
public static class KubeJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        PropertyNameCaseInsensitive = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = KubeModels.Default.WithAddedModifier(NullMeansUnset),
    };

    public static JsonTypeInfo<T> Model<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    public static T Read<T>(JsonNode node) => node.Deserialize(Model<T>()) ?? throw new JsonException($"not a {typeof(T).Name}");

    /// <summary>RFC 3339 in UTC with seconds, the format of metav1.Time.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);

    /// <summary>RFC 3339 in UTC with microseconds, the format of metav1.MicroTime.</summary>
    public static string MicroTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", null);

    private static void NullMeansUnset(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object) return;
        foreach (var property in type.Properties)
        {
            if (property.Set is not { } set) continue;
            property.Set = (target, value) =>
            {
                if (value is not null) set(target, value);
            };
        }
    }
}

/// <summary>
/// How to read the records, generated when this is compiled. Their properties have setters and no "init", since a generated reader gives an
/// init-only property that isn't in the JSON null instead of what the record says.
/// </summary>
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(EndpointSlice))]
[JsonSerializable(typeof(Workload))]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(CronJob))]
[JsonSerializable(typeof(PodDisruptionBudget))]
[JsonSerializable(typeof(PersistentVolume))]
[JsonSerializable(typeof(PersistentVolumeClaim))]
[JsonSerializable(typeof(StorageClass))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(ImageConfigFile))]
internal sealed partial class KubeModels : JsonSerializerContext;
