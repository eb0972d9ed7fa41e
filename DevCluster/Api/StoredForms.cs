using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

/// <summary>Stored objects in the shape of the version that is asked for.</summary>
internal static class StoredForms
{
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
}
