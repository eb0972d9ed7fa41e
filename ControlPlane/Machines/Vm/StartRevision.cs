using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The ControllerRevision of a machine's spec that an instance is started from: later changes are judged against it.</summary>
public static class StartRevision
{
    public static ControllerRevision Make(VirtualMachine machine) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "ControllerRevision",
        Metadata = new ObjectMeta
        {
            Name = Name(machine.Metadata.Uid!, machine.Metadata.Generation ?? 0),
            Namespace = machine.Metadata.Namespace,
            Labels = new Dictionary<string, string> { [Labels.CreatedBy] = machine.Metadata.Uid! },
            OwnerReferences = [InstanceBuilder.Owner(machine)],
        },
        Data = JsonSerializer.SerializeToElement(new JsonObject { ["spec"] = JsonSerializer.SerializeToNode(machine.Spec, ApiJson.Default.VirtualMachineSpec) }, ApiJson.Default.JsonObject),
        Revision = machine.Metadata.Generation,
    };

    public static string Name(string machineUid, long generation) => string.Create(CultureInfo.InvariantCulture, $"revision-start-vm-{machineUid}-{generation}");

    /// <summary>Selects the start revisions of a machine, not those of its instance type.</summary>
    public static string Selector(string machineUid) => $"{Labels.CreatedBy}={machineUid}";

    public static VirtualMachineSpec? Spec(ControllerRevision revision) =>
        revision.Data is { } data && data.TryGetProperty("spec", out var spec) ? spec.Deserialize(ApiJson.Default.VirtualMachineSpec) : null;
}
