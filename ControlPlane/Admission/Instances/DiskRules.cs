using System.Text.RegularExpressions;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>A disk by itself: its name, target, bus, serial, cache and block size.</summary>
internal static partial class DiskRules
{
    private const int MaxSerial = 256;
    private static readonly HashSet<string> CacheModes = ["", "none", "writethrough", "writeback"];
    private static readonly HashSet<string> IoModes = ["", "native", "threads"];
    private static readonly HashSet<string> ErrorPolicies = ["stop", "ignore", "report", "enospace"];

    public static IEnumerable<StatusCause> Disks(InstanceContext c) => Disks(c.DevicesPath["disks"], c.Disks);

    public static IEnumerable<StatusCause> Disks(FieldPath field, IReadOnlyList<Disk> disks) =>
        disks.Index().SelectMany(d => NameIsUnique(field, d.Index, disks).Concat(Of(field, d.Index, d.Item)));

    /// <summary>The bus of whatever the disk is attached as; empty when the default is to be taken.</summary>
    public static string BusOf(Disk disk) => (disk switch
    {
        { DiskValue: { } target } => target.Bus,
        { Lun: { } lun } => lun.Bus,
        _ => disk.Cdrom?.Bus,
    }).OrEmpty();

    private static IEnumerable<StatusCause> NameIsUnique(FieldPath field, int index, IReadOnlyList<Disk> disks) =>
        disks.Take(index).Index().Where(other => other.Item.Name.OrEmpty() == disks[index].Name.OrEmpty()).Select(other =>
            Cause.Invalid(field[index]["name"], $"{field[index]} and {field[other.Index]} must not have the same Name."));

    private static IEnumerable<StatusCause> Of(FieldPath field, int index, Disk disk)
    {
        var path = field[index];
        // KubeVirt appends the whole way to the list once more here and there; its clients see these paths.
        var twice = field.At("domain", "devices", "disks");
        if (new object?[] { disk.DiskValue, disk.Lun, disk.Cdrom }.Count(t => t is not null) > 1)
            yield return Cause.Invalid(path, $"{path} can only have a single target type defined");
        if (disk.DiskValue?.PciAddress is { Length: > 0 } address)
        {
            var pci = twice["disk"][index];
            if (disk.DiskValue.Bus != "virtio")
                yield return Cause.Invalid(pci["pciAddress"], $"disk {pci["name"]} - setting a PCI address is only possible with bus type virtio.");
            if (!Names.IsPciAddress(address))
                yield return Cause.Invalid(pci["pciAddress"], $"disk {pci["name"]} has malformed PCI address ({address}).");
        }

        if (disk.BootOrder < 1)
            yield return Cause.Invalid(path["bootOrder"], $"{path} must have a boot order > 0, if supplied");
        foreach (var cause in Bus(path, twice[index], disk))
            yield return cause;
        if (disk.Serial is { Length: > 0 } serial && !SerialCharacters().IsMatch(serial))
            yield return Cause.Invalid(path["serial"], $"{path} must be made up of the following characters [A-Za-z0-9_.+-], if specified");
        if (disk.Serial?.EnumerateRunes().Count() > MaxSerial)
            yield return Cause.Invalid(path["serial"], $"{path} must be less than or equal to {MaxSerial} in length, if specified");
        if (!CacheModes.Contains(disk.Cache.OrEmpty()))
            yield return Cause.Invalid(path["cache"], $"{path["cache"]} has invalid value {disk.Cache}");
        if (!IoModes.Contains(disk.Io.OrEmpty()))
            yield return Cause.NotSupported(twice[index]["io"], $"Disk IO mode for {field} is not supported. Supported modes are: native, threads.");
        if (disk.ErrorPolicy is { } policy && !ErrorPolicies.Contains(policy))
            yield return Cause.Invalid(path["errorPolicy"], $"{path["errorPolicy"]} has invalid value \"{policy}\"");
        // A container disk's name becomes the name of a container.
        foreach (var problem in Names.DnsLabelProblems(disk.Name.OrEmpty()))
            yield return Cause.Invalid(twice[index]["name"], problem);
        foreach (var cause in BlockSizes.Of(path["blockSize"], disk))
            yield return cause;
    }

    private static IEnumerable<StatusCause> Bus(FieldPath path, FieldPath twice, Disk disk)
    {
        var bus = BusOf(disk);
        if (bus.Length == 0)
            yield break;
        var kind = disk.DiskValue is not null ? "disk" : disk.Lun is not null ? "lun" : "cdrom";
        switch (bus)
        {
            case "ide":
                yield return Cause.Invalid(path.At(kind, "bus"), "IDE bus is not supported");
                break;
            case "virtio" when kind == "cdrom":
                yield return Cause.Invalid(path.At("cdrom", "bus"), "Bus type virtio is invalid for CD-ROM device");
                break;
            case "sata" when disk.DiskValue?.Readonly is true:
                yield return Cause.Invalid(path.At("disk", "bus"), "sata hard-disks do not support read-only.");
                break;
            case "virtio" or "sata" or "scsi" or "usb":
                break;
            default:
                yield return Cause.Invalid(path.At(kind, "bus"), $"{path} is set with an unrecognized bus {bus}, must be one of: [virtio scsi sata usb]");
                break;
        }

        if (disk.DedicatedIOThread is true && bus != "virtio")
            yield return Cause.NotSupported(twice, $"IOThreads are not supported for disks on a {bus} bus");
    }

    public static IEnumerable<StatusCause> PersistentReservation(InstanceContext c)
    {
        if (c.Disks.Any(d => d.Lun?.Reservation is true) && !c.Config.IsPersistentReservationEnabled)
            yield return Cause.Invalid(c.DevicesPath.At("disks", "luns", "reservation"), "persistent reservation is not enabled in kubevirt config");
    }

    [GeneratedRegex(@"^[A-Za-z0-9_.+-]+\z")]
    private static partial Regex SerialCharacters();
}
