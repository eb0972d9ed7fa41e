using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>
/// Stored custom objects as a version shows them: converted, pruned and defaulted by today's schema, which may have come after them.
/// The bytes are kept with each stored object.
/// </summary>
internal static class CustomReads
{
    private static readonly ConditionalWeakTable<ResourceDefinition, ConditionalWeakTable<StoredObject, byte[]>> Shown = [];

    public static JsonObject Object(ResourceDefinition definition, StoredObject stored)
    {
        var obj = stored.Parse();
        if (obj.Str("apiVersion") != definition.ApiVersion)
        {
            if (definition.Conversion is { } conversion)
                obj = conversion.Converted(stored, definition.ApiVersion);
            obj["apiVersion"] = definition.ApiVersion;
        }
        else if (!definition.ReadsThroughSchema)
            return obj;
        SchemaWalk.Prune(obj, definition.Schema.Value, []);
        SchemaWalk.Default(obj, definition.Schema.Value);
        return obj;
    }

    /// <param name="asIs">Whether the stored bytes are of the definition's version.</param>
    public static ReadOnlyMemory<byte> Bytes(ResourceDefinition definition, StoredObject stored, bool asIs) =>
        asIs && !definition.ReadsThroughSchema
            ? stored.Json
            : Shown.GetOrCreateValue(definition).GetValue(stored, s => Shared(Object(definition, s).ToUtf8(), s));

    /// <summary>Nearly always nothing changes; then the stored bytes serve for both.</summary>
    private static byte[] Shared(byte[] bytes, StoredObject stored) =>
        MemoryMarshal.TryGetArray(stored.Json, out var segment) && segment.Array is { } same && bytes.AsSpan().SequenceEqual(same) ? same : bytes;

    public static bool HasDefaults(JsonObject source) =>
        source.ContainsKey("default")
        || (source.Obj("properties") ?? []).Any(p => p.Value is JsonObject inner && HasDefaults(inner))
        || (source.Obj("items") is { } items && HasDefaults(items))
        || (source.Obj("additionalProperties") is { } values && HasDefaults(values));
}
