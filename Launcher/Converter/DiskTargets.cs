using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>Names and buses of disks.</summary>
internal static class DiskTargets
{
    /// <summary>The names disks get in the guest, in their order: vda, vdb … and sda … each for its kind of bus.</summary>
    public static IReadOnlyDictionary<string, string> Of(DomainSpec domain)
    {
        Dictionary<string, string> targets = [];
        Dictionary<string, int> taken = [];
        foreach (var disk in domain.Devices?.Disks ?? [])
        {
            var prefix = BusOf(disk) == "virtio" ? "vd" : "sd";
            var index = taken.GetValueOrDefault(prefix);
            taken[prefix] = index + 1;
            targets[disk.Name!] = prefix + Letters(index);
        }

        return targets;
    }

    /// <summary>KubeVirt's default bus is sata, for every kind of disk.</summary>
    public static string BusOf(Disk disk) => (disk.DiskValue?.Bus ?? disk.Cdrom?.Bus ?? disk.Lun?.Bus) is { Length: > 0 } bus ? bus : "sata";

    /// <summary>sda is 0, sdz 25, sdaa 26.</summary>
    public static int IndexOf(string target) => target[2..].Aggregate(0, (sum, letter) => (sum * 26) + (letter - 'a' + 1)) - 1;

    /// <summary>a … z, aa, ab …</summary>
    internal static string Letters(int index) => (index >= 26 ? Letters((index / 26) - 1) : "") + (char)('a' + (index % 26));
}
