using System.Text.Json.Nodes;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Kubernetes.Crds;

/// <summary>The CustomResourceDefinitions that Troupe installs, made from the model.</summary>
public static class KubeVirtCrds
{
    /// <summary>By file name, as they stand in <c>deploy/crds</c>.</summary>
    public static IReadOnlyDictionary<string, JsonObject> All { get; } = new Dictionary<string, JsonObject>
    {
        ["kubevirt.io_virtualmachineinstances.yaml"] = VirtualMachineInstances(),
    };

    private static JsonObject VirtualMachineInstances()
    {
        var schema = new SchemaGenerator(XmlDocumentation.Of(typeof(VirtualMachineInstance).Assembly)).OfKind(typeof(VirtualMachineInstance));
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = "virtualmachineinstances.kubevirt.io", ["labels"] = new JsonObject { ["kubevirt.io"] = "" } },
            ["spec"] = new JsonObject
            {
                ["group"] = "kubevirt.io",
                ["scope"] = "Namespaced",
                ["names"] = new JsonObject
                {
                    ["kind"] = "VirtualMachineInstance", ["listKind"] = "VirtualMachineInstanceList", ["plural"] = "virtualmachineinstances",
                    ["singular"] = "virtualmachineinstance", ["shortNames"] = new JsonArray("vmi", "vmis"), ["categories"] = new JsonArray("all"),
                },
                ["versions"] = new JsonArray(Version("v1", storage: true), Version("v1alpha3", storage: false)),
            },
        };

        JsonObject Version(string name, bool storage)
        {
            var version = new JsonObject { ["name"] = name, ["served"] = true, ["storage"] = storage };
            if (!storage)
                version["deprecated"] = true;
            version["additionalPrinterColumns"] = new JsonArray(
                Column("Age", "date", ".metadata.creationTimestamp"),
                Column("Phase", "string", ".status.phase"),
                Column("IP", "string", ".status.interfaces[0].ipAddress"),
                Column("NodeName", "string", ".status.nodeName"),
                Column("Ready", "string", ".status.conditions[?(@.type=='Ready')].status"),
                Column("Live-Migratable", "string", ".status.conditions[?(@.type=='LiveMigratable')].status", 1),
                Column("Paused", "string", ".status.conditions[?(@.type=='Paused')].status", 1));
            version["schema"] = new JsonObject { ["openAPIV3Schema"] = schema.DeepClone() };
            return version;
        }
    }

    private static JsonObject Column(string name, string type, string path, int priority = 0)
    {
        var column = new JsonObject { ["name"] = name, ["type"] = type, ["jsonPath"] = path };
        if (priority > 0)
            column["priority"] = priority;
        return column;
    }
}
