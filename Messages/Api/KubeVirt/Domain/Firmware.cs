using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Chassis : ApiObject
{
    public string? Asset { get; init; }
    public string? Manufacturer { get; init; }
    public string? Serial { get; init; }
    public string? Sku { get; init; }
    public string? Version { get; init; }
}

public sealed record Firmware : ApiObject
{
    public ACPI? Acpi { get; init; }
    public Bootloader? Bootloader { get; init; }
    public KernelBoot? KernelBoot { get; init; }
    public string? Serial { get; init; }
    public string? Uuid { get; init; }
}

public sealed record ACPI : ApiObject
{
    public string? MsdmNameRef { get; init; }
    public string? SlicNameRef { get; init; }
}

public sealed record Bootloader : ApiObject
{
    public BIOS? Bios { get; init; }
    public EFI? Efi { get; init; }
}

public sealed record KernelBoot : ApiObject
{
    public KernelBootContainer? Container { get; init; }
    public string? KernelArgs { get; init; }
}

public sealed record BIOS : ApiObject
{
    public bool? UseSerial { get; init; }
}

public sealed record EFI : ApiObject
{
    public bool? Persistent { get; init; }
    public bool? SecureBoot { get; init; }
}

public sealed record KernelBootContainer : ApiObject
{
    [ApiRequired]
    public string? Image { get; init; }
    public string? ImagePullPolicy { get; init; }
    public string? ImagePullSecret { get; init; }
    public string? InitrdPath { get; init; }
    public string? KernelPath { get; init; }
}
