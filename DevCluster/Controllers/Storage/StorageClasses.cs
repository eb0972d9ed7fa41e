using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Controllers.Storage;

/// <summary>The storage classes of a new cluster.</summary>
internal static class StorageClasses
{
    public const string IsDefault = "storageclass.kubernetes.io/is-default-class";

    public static readonly Func<JsonObject>[] BuiltIn = [() => Of("standard", "Immediate", isDefault: true), () => Of("standard-wait", "WaitForFirstConsumer", isDefault: false)];

    private static JsonObject Of(string name, string binding, bool isDefault) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = new JsonObject { [IsDefault] = isDefault ? "true" : "false" } },
        ["provisioner"] = StorageNames.LocalDriver,
        ["reclaimPolicy"] = "Delete",
        ["volumeBindingMode"] = binding,
        ["allowVolumeExpansion"] = true,
    };
}
