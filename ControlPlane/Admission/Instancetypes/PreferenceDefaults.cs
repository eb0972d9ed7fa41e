using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>What of a preference must be written into the machine when it is stored; the rest is applied each time a VMI is made.</summary>
internal static class PreferenceDefaults
{
    public static VirtualMachine Apply(VirtualMachine vm, VirtualMachinePreferenceSpec? preference)
    {
        if (preference is null || vm.Spec?.Template is not { } template)
            return vm;
        var instance = template.Spec ?? new VirtualMachineInstanceSpec();
        if (instance.Architecture is null or "" && preference.PreferredArchitecture is { Length: > 0 } architecture)
            instance = instance with { Architecture = architecture };
        if (instance.Domain?.Machine?.Type is null or "" && preference.Machine?.PreferredMachineType is { Length: > 0 } machine)
            instance = instance with { Domain = (instance.Domain ?? new DomainSpec()) with { Machine = new Machine { Type = machine } } };
        return vm with
        {
            Spec = vm.Spec with
            {
                Template = template with { Spec = instance },
                DataVolumeTemplates = preference.Volumes?.PreferredStorageClassName is { Length: > 0 } storageClass
                    ? vm.Spec.DataVolumeTemplates?.Select(t => WithStorageClass(t, storageClass)).ToList()
                    : vm.Spec.DataVolumeTemplates,
            },
        };
    }

    private static DataVolumeTemplateSpec WithStorageClass(DataVolumeTemplateSpec template, string storageClass) => template.Spec is not { } spec ? template : template with
    {
        Spec = spec with
        {
            Pvc = spec.Pvc is { StorageClassName: null } pvc ? pvc with { StorageClassName = storageClass } : spec.Pvc,
            Storage = spec.Storage is { StorageClassName: null } storage ? storage with { StorageClassName = storageClass } : spec.Storage,
        },
    };
}
