using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Troupe.DevCluster.Nodes.Model;

/// <summary>Reads API objects into the records of this folder. A JSON null means "not set" (as everywhere in Kubernetes), never a null list.</summary>
public static class KubeJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        PropertyNameCaseInsensitive = false,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { NullMeansUnset } },
    };

    public static T Read<T>(JsonNode node) => node.Deserialize<T>(Options) ?? throw new JsonException($"not a {typeof(T).Name}");

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
