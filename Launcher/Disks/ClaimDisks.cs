using System.Globalization;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>Disks on persistent volume claims, and on files of the node.</summary>
internal static class ClaimDisks
{
    /// <summary>Null for a volume that is plugged in later and is not there yet.</summary>
    public static async Task<PreparedDisk?> ClaimAsync(VirtualMachineInstance vmi, string name, string field, string target, bool hotpluggable, bool matchVolume, CancellationToken ct)
    {
        if (FindDevice(name) is { } device)
            return await OpenAsync(name, device, target, matchVolume, hotpluggable, ct).ConfigureAwait(false);
        var hotplugged = LauncherPaths.PluggedImage(name);
        if (hotpluggable && !Directory.Exists(LauncherPaths.HostDisk(name)))
            return File.Exists(hotplugged) ? await OpenAsync(name, hotplugged, target, matchVolume, hotpluggable, ct).ConfigureAwait(false) : null;
        var file = LauncherPaths.ClaimImage(name);
        if (!File.Exists(file))
            Create(file, SizeOf(vmi, name) ?? throw new UnsupportedSpecException(field, "the claim holds no disk.img, and its size is not known yet"));
        return await OpenAsync(name, file, target, matchVolume, hotpluggable, ct).ConfigureAwait(false);
    }

    /// <summary>Writes go to an overlay in the pod; the claim stays as it is.</summary>
    public static Task<PreparedDisk> EphemeralAsync(string name, string field, string target, CancellationToken ct)
    {
        var backing = FindDevice(name) ?? LauncherPaths.ClaimImage(name);
        return File.Exists(backing)
            ? Overlays.CreateAsync(name, backing, target, ct)
            : throw new UnsupportedSpecException($"{field}.ephemeral", "the claim holds no disk.img", isInvalid: true);
    }

    public static async Task<PreparedDisk> HostAsync(string name, HostDisk host, string field, string target, bool matchVolume, CancellationToken ct)
    {
        var file = Path.Combine(LauncherPaths.HostDisk(name), Path.GetFileName(host.Path!));
        if (!File.Exists(file))
        {
            if (host.Type is not "DiskOrCreate")
                throw new UnsupportedSpecException($"{field}.hostDisk.path", $"{host.Path} does not exist on the node", isInvalid: true);
            Create(file, host.Capacity?.Units ?? throw new UnsupportedSpecException($"{field}.hostDisk.capacity", "is required for DiskOrCreate", isInvalid: true));
        }

        return await OpenAsync(name, file, target, matchVolume, hotpluggable: false, ct).ConfigureAwait(false);
    }

    /// <summary>What fits into the claim, by what its status says; null when it says nothing.</summary>
    internal static long? SizeOf(VirtualMachineInstance vmi, string volume)
    {
        if (vmi.Status?.VolumeStatus?.FirstOrDefault(v => v.Name == volume)?.PersistentVolumeClaimInfo is not { } claim || claim.Capacity?.TryGetValue("storage", out var capacity) is not true)
            return null;
        var overhead = decimal.TryParse(claim.FilesystemOverhead, NumberStyles.Float, CultureInfo.InvariantCulture, out var set) ? set : ClaimSize.DefaultOverhead;
        return ClaimSize.ImageBytes(capacity.Units, claim.Requests?.TryGetValue("storage", out var requested) is true ? requested.Units : null, overhead);
    }

    private static string? FindDevice(string name) => new[] { LauncherPaths.BlockDevice(name), LauncherPaths.PluggedDevice(name) }.FirstOrDefault(DiskImage.IsBlockDevice);

    private static void Create(string file, long bytes)
    {
        using var created = File.Create(file);
        created.SetLength(bytes);
    }

    private static async Task<PreparedDisk> OpenAsync(string name, string file, string target, bool matchVolume, bool hotpluggable, CancellationToken ct)
    {
        var isBlock = DiskImage.IsBlockDevice(file);
        // A claim's disk is raw by definition: what a guest writes into its first bytes must not make it something else.
        var size = DiskImage.Length(file);
        var (logical, physical, discard) = matchVolume ? await DiskImage.BlockSizeAsync(file, ct).ConfigureAwait(false) : (0, 0, 0);
        return new PreparedDisk(name, target, file, "raw", SizeBytes: size)
        {
            IsBlock = isBlock,
            HasDirectIo = DiskImage.HasDirectIo(file),
            IsPreallocated = !isBlock && DiskImage.IsPreallocated(file),
            LogicalBlockSize = logical,
            PhysicalBlockSize = physical,
            DiscardGranularity = discard,
            IsHotplugged = hotpluggable,
        };
    }
}
