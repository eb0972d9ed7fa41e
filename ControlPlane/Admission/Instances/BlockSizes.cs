using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Custom block sizes of a disk, in bytes.</summary>
internal static class BlockSizes
{
    private const int Smallest = 512;
    private const int Largest = 2 << 20;

    public static IEnumerable<StatusCause> Of(FieldPath field, Disk disk)
    {
        if (disk.BlockSize is not { Custom: { } custom } size)
            return [];
        if (size.MatchVolume.IsOn())
            return [Cause.Invalid(field, "Block size matching can't be enabled together with a custom value")];
        var (logical, physical, granularity) = (custom.Logical ?? 0, custom.Physical ?? 0, custom.DiscardGranularity);
        var path = field["custom"];
        if (logical > physical)
            return [Cause.Invalid(path["logical"], $"Logical size {logical} must be the same or less than the physical size of {physical}")];
        // The emulated SATA controller knows sectors of 512 bytes alone.
        if (DiskRules.BusOf(disk) == "sata" && logical != Smallest)
            return [Cause.Invalid(path["logical"], $"Logical size {logical} must be {Smallest} for SATA devices")];
        if (granularity is { } g && logical != 0 && g % logical != 0)
            return [Cause.Invalid(path["discardGranularity"], $"Discard granularity {g} must be multiples of logical size {logical}")];
        return [.. Size(path["logical"], logical), .. Size(path["physical"], physical)];
    }

    private static IEnumerable<StatusCause> Size(FieldPath field, long size)
    {
        if (size < Smallest)
            yield return Cause.Invalid(field, $"Provided size of {size} is less than the supported minimum size of {Smallest}");
        else if (size > Largest)
            yield return Cause.Invalid(field, $"Provided size of {size} is greater than the supported maximum size of {Largest}");
        else if ((size & (size - 1)) != 0)
            yield return Cause.Invalid(field, $"Provided size of {size} is not a power of 2");
    }
}
