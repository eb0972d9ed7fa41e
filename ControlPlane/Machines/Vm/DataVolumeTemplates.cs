using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The DataVolumes that a machine's spec contains.</summary>
public static class DataVolumeTemplates
{
    /// <summary>Those still to be created.</summary>
    public static IEnumerable<DataVolume> Missing(VirtualMachine machine, IReadOnlyDictionary<string, DataVolume> existing, bool starting)
    {
        var immediate = machine.Metadata.Annotations?.GetValueOrDefault(MachineVocabulary.ImmediateDataVolumes) != "false";
        return immediate || starting
            ? (machine.Spec?.DataVolumeTemplates ?? []).Where(t => t.Metadata?.Name is { } name && !existing.ContainsKey(name)).Select(t => Create(machine, t))
            : [];
    }

    /// <summary>All are filled, or wait for the pod that will use them.</summary>
    public static bool Ready(VirtualMachine machine, IReadOnlyDictionary<string, DataVolume> existing) =>
        (machine.Spec?.DataVolumeTemplates ?? []).All(t => existing.GetValueOrDefault(t.Metadata?.Name ?? "")?.Status?.Phase is "Succeeded" or "WaitForFirstConsumer" or "PendingPopulation");

    public static bool AnyFailed(IReadOnlyDictionary<string, DataVolume> existing) => existing.Values.Any(v => v.Status?.Phase is "Failed"
        || v.Status?.Conditions?.Any(c => c is { Type: "Running", Status: "False", Reason: "Error" }) is true);

    public static bool AnyImporting(IReadOnlyDictionary<string, DataVolume> existing) =>
        existing.Values.Any(v => v.Status?.Phase is not ("Succeeded" or "Failed" or "WaitForFirstConsumer" or "PendingPopulation"));

    public static bool AnyUnbound(IReadOnlyDictionary<string, DataVolume> existing) =>
        existing.Values.Any(v => v.Status?.Phase is "WaitForFirstConsumer" or "PendingPopulation");

    private static DataVolume Create(VirtualMachine machine, DataVolumeTemplateSpec template) => new()
    {
        ApiVersion = "cdi.kubevirt.io/v1beta1",
        Kind = "DataVolume",
        Metadata = new ObjectMeta
        {
            Name = template.Metadata!.Name,
            Namespace = machine.Metadata.Namespace,
            Labels = new Dictionary<string, string>(template.Metadata.Labels ?? new Dictionary<string, string>()) { ["kubevirt.io/created-by"] = machine.Metadata.Uid! },
            Annotations = template.Metadata.Annotations,
            OwnerReferences = [InstanceBuilder.Owner(machine)],
        },
        Spec = template.Spec,
    };
}
