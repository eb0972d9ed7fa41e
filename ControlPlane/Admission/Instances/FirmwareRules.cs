using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Machine type, boot loader, kernel boot, ACPI tables.</summary>
internal static class FirmwareRules
{
    public static IEnumerable<StatusCause> MachineType(InstanceContext c)
    {
        if (c.Domain.Machine?.Type is not { Length: > 0 } type)
            yield break;
        var allowed = c.Config.EmulatedMachinesOf(c.Spec.Architecture);
        var field = c.DomainPath.At("machine", "type");
        if (!allowed.Any(pattern => ShellPattern.Matches(pattern, type)))
            yield return Cause.Invalid(field, $"{field} is not supported: {type} (allowed values: [{string.Join(' ', allowed)}])");
    }

    public static IEnumerable<StatusCause> AcpiTables(InstanceContext c)
    {
        if (c.Domain.Firmware?.Acpi is not { } acpi)
            return [];
        var field = c.Path["acpi"];
        return acpi is { SlicNameRef: null or "", MsdmNameRef: null or "" }
            ? [Cause.Invalid(field, "ACPI was set but no SLIC nor MSDM volume reference was set")]
            : [.. TableVolume(c, field, "slicNameRef", acpi.SlicNameRef), .. TableVolume(c, field, "msdmNameRef", acpi.MsdmNameRef)];
    }

    private static IEnumerable<StatusCause> TableVolume(InstanceContext c, FieldPath field, string child, string? name)
    {
        if (name is null or "")
            yield break;
        var volume = c.Volumes.FirstOrDefault(v => v.Name == name);
        if (volume is null)
            yield return Cause.Invalid(field[child], $"{field} does not have a matching Volume.");
        else if (volume.Secret is null)
            yield return Cause.Invalid(field[child], $"{field} refers to Volume of unsupported type.");
    }

    public static IEnumerable<StatusCause> Firmware(InstanceContext c) => Firmware(c.DomainPath["firmware"], c.Domain.Firmware);

    public static IEnumerable<StatusCause> Firmware(FieldPath field, Firmware? firmware)
    {
        if (firmware?.Bootloader is { Efi: not null, Bios: not null })
            yield return Cause.Invalid(field["bootloader"], $"{field["bootloader"]} has both EFI and BIOS configured, but they are mutually exclusive.");
        foreach (var cause in KernelBoot(field["kernelBoot"], firmware?.KernelBoot))
            yield return cause;
    }

    /// <summary>A secure boot loader trusts its variables only where SMM guards them; TDX has them in its measured firmware.</summary>
    public static IEnumerable<StatusCause> SecureBootNeedsSmm(InstanceContext c)
    {
        if (IsSecureBoot(c.Domain.Firmware) && c.Domain.Features?.Smm.IsOn() is not true && c.Domain.LaunchSecurity?.Tdx is null)
            yield return Cause.Invalid(c.DomainPath, $"{c.DomainPath} has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled.");
    }

    public static bool IsSecureBoot(Firmware? firmware) => firmware?.Bootloader?.Efi is { } efi && efi.SecureBoot is not false;

    private static IEnumerable<StatusCause> KernelBoot(FieldPath field, KernelBoot? boot)
    {
        if (boot is null)
            yield break;
        if (boot.Container is not { } container)
        {
            if (boot.KernelArgs is { Length: > 0 })
                yield return Cause.Invalid(field["kernelArgs"], "kernel arguments cannot be provided without an external kernel");
            yield break;
        }

        var path = field["container"];
        if (container.Image is null or "")
            yield return Cause.Required(path["image"], $"{path} must be defined with an image");
        if (container is { KernelPath: null or "", InitrdPath: null or "" })
            yield return Cause.Required(path, $"{path} must be defined with at least one of the following: kernelPath, initrdPath");
        foreach (var cause in Paths.AbsoluteFile(path["kernelPath"], container.KernelPath).Concat(Paths.AbsoluteFile(path["initrdPath"], container.InitrdPath)))
            yield return cause;
    }
}
