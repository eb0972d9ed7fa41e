using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>What an architecture can't do. Of a VMI alone: a template may leave its architecture open.</summary>
internal static class ArchitectureRules
{
    private static readonly string[] Amd64Video = ["vga", "cirrus", "virtio", "ramfb", "bochs"];
    private static readonly string[] Arm64Video = ["virtio", "ramfb"];
    private static readonly string[] S390xVideo = ["virtio"];

    public static IEnumerable<StatusCause> All(InstanceContext c) => c.Spec.Architecture switch
    {
        "amd64" => [.. Watchdog(c, c.Devices.Watchdog is { I6300esb: not null, Diag288: null }, "amd64 only supports I6300ESB watchdog device"), .. Video(c, Amd64Video)],
        "s390x" => [.. Watchdog(c, c.Devices.Watchdog is { Diag288: not null, I6300esb: null }, "s390x only supports Diag288 watchdog device"), .. Video(c, S390xVideo)],
        "arm64" => Arm64(c),
        var other => [Cause.Invalid(c.Path["architecture"], $"unsupported architecture: {other}")],
    };

    private static IEnumerable<StatusCause> Arm64(InstanceContext c)
    {
        if (c.Domain.Firmware?.Bootloader?.Bios is not null)
            yield return Cause.NotSupported(c.DomainPath.At("firmware", "bootloader", "bios"), "Arm64 does not support bios boot, please change to uefi boot");
        if (c.Domain.Cpu?.Model is not (null or "" or "host-passthrough"))
            yield return Cause.NotSupported(c.DomainPath.At("cpu", "model"), "currently, host-passthrough is the only model supported on Arm64");
        foreach (var (index, disk) in c.Disks.Index())
        {
            (string Kind, string? Bus)[] targets = [("disk", disk.DiskValue?.Bus), ("cdrom", disk.Cdrom?.Bus), ("lun", disk.Lun?.Bus)];
            foreach (var (kind, _) in targets.Where(t => t.Bus is not (null or "" or "virtio" or "scsi")))
                yield return Cause.NotSupported(c.DevicesPath["disks"][index].At(kind, "bus"), "Arm64 not support this disk bus type, please use virtio or scsi");
        }

        if (c.Devices.Watchdog is not null)
            yield return Cause.NotSupported(c.DevicesPath["watchdog"], "Arm64 not support Watchdog device");
        if (c.Devices.Sound is not null)
            yield return Cause.NotSupported(c.DevicesPath["sound"], "Arm64 not support sound device");
        foreach (var cause in Video(c, Arm64Video))
            yield return cause;
    }

    private static IEnumerable<StatusCause> Watchdog(InstanceContext c, bool isTheOne, string message)
    {
        if (c.Devices.Watchdog is not null && !isTheOne)
            yield return Cause.NotSupported(c.DevicesPath["watchdog"], message);
    }

    private static IEnumerable<StatusCause> Video(InstanceContext c, string[] models)
    {
        if (c.Devices.Video is { } video && !models.Contains(video.Type.OrEmpty()))
            yield return Cause.NotSupported(c.DevicesPath.At("video", "type"), $"video model '{video.Type}' is not supported on {c.Spec.Architecture} architecture");
    }
}
