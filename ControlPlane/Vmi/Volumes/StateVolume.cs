using Troupe.ControlPlane.Machines;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>The claim in which a guest's TPM and UEFI variables outlive it. It belongs to the machine, or to an instance without one.</summary>
public static class StateVolume
{
    public const string Name = "vm-state";
    private const string OwnerLabel = "persistent-state-for";
    private const string Size = "10Mi";

    public static bool IsNeeded(VirtualMachineInstance vmi) =>
        vmi.Spec?.Domain?.Devices?.Tpm is { Enabled: not false, Persistent: true } || vmi.Spec?.Domain?.Firmware?.Bootloader?.Efi?.Persistent is true;

    public static string ClaimName(VirtualMachineInstance vmi) => $"{OwnerLabel}-{vmi.Metadata.Name}";

    public static PersistentVolumeClaim Claim(VirtualMachineInstance vmi, string? storageClass)
    {
        var machine = OwnerReferences.Controller(vmi, "VirtualMachine");
        return new PersistentVolumeClaim
        {
            Metadata = new ObjectMeta
            {
                Name = ClaimName(vmi),
                Namespace = vmi.Metadata.Namespace,
                Labels = new Dictionary<string, string> { [OwnerLabel] = vmi.Metadata.Name! },
                OwnerReferences =
                [
                    machine is not null
                        ? machine with { BlockOwnerDeletion = null }
                        : new OwnerReference { ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachineInstance", Name = vmi.Metadata.Name, Uid = vmi.Metadata.Uid, Controller = true },
                ],
            },
            Spec = new PersistentVolumeClaimSpec
            {
                AccessModes = ["ReadWriteOnce"],
                StorageClassName = storageClass,
                Resources = new VolumeResourceRequirements { Requests = new Dictionary<string, Quantity> { ["storage"] = new(Size) } },
            },
        };
    }
}
