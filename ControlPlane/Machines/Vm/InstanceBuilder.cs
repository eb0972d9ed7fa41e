using System.Globalization;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What a machine's instance is made of beside the template.</summary>
/// <param name="RevisionName">The ControllerRevision that keeps the spec.</param>
public sealed record InstanceParts(
    VirtualMachineInstancetypeSpec? Instancetype, VirtualMachinePreferenceSpec? Preference, string RevisionName, bool Paused);

/// <summary>Makes the instance of a machine.</summary>
public static class InstanceBuilder
{
    /// <returns>The instance, and the fields that both the template and the instance type set (then it must not be created).</returns>
    public static (VirtualMachineInstance Instance, IReadOnlyList<string> Conflicts) Build(VirtualMachine machine, InstanceParts parts)
    {
        var template = machine.Spec?.Template ?? new VirtualMachineInstanceTemplateSpec();
        var spec = WithFirmware(MemoryDumps.ForStart(template.Spec ?? new VirtualMachineInstanceSpec(), machine.Status?.MemoryDumpRequest), machine.Metadata.Name!);
        var (expanded, conflicts) = InstancetypeApplication.Apply(AutoattachDefaults.BeforePreference(spec, parts.Preference), parts.Instancetype, parts.Preference);
        var annotations = new Dictionary<string, string>(template.Metadata?.Annotations ?? new Dictionary<string, string>())
        {
            [MachineVocabulary.GenerationAnnotation] = (machine.Metadata.Generation ?? 0).ToString(CultureInfo.InvariantCulture),
        };
        foreach (var (key, value) in InstancetypeApplication.Annotations(parts.Instancetype, parts.Preference))
            annotations.TryAdd(key, value);
        if (RunStrategies.Of(machine.Spec) == RunStrategies.WaitAsReceiver)
            annotations[MachineVocabulary.MigrationTarget] = "true";
        return (new VirtualMachineInstance
        {
            ApiVersion = MachineVocabulary.ApiVersion,
            Kind = "VirtualMachineInstance",
            Metadata = new ObjectMeta
            {
                Name = machine.Metadata.Name,
                Namespace = machine.Metadata.Namespace,
                Labels = template.Metadata?.Labels,
                Annotations = annotations,
                Finalizers = [MachineVocabulary.Finalizer],
                OwnerReferences = [Owner(machine)],
            },
            Spec = expanded with { StartStrategy = parts.Paused ? "Paused" : expanded.StartStrategy },
            Status = new VirtualMachineInstanceStatus { VirtualMachineRevisionName = parts.RevisionName },
        }, conflicts);
    }

    public static OwnerReference Owner(VirtualMachine machine) => new()
    {
        ApiVersion = MachineVocabulary.ApiVersion,
        Kind = MachineVocabulary.Kind,
        Name = machine.Metadata.Name,
        Uid = machine.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };

    /// <summary>A guest keeps its UUID over restarts: machines that were stored without one have the UUID of their name.</summary>
    private static VirtualMachineInstanceSpec WithFirmware(VirtualMachineInstanceSpec spec, string name)
    {
        var domain = spec.Domain ?? new DomainSpec();
        return domain.Firmware?.Uuid is { Length: > 0 }
            ? spec
            : spec with { Domain = domain with { Firmware = (domain.Firmware ?? new Firmware()) with { Uuid = FirmwareUuid.OfName(name).ToString() } } };
    }
}
