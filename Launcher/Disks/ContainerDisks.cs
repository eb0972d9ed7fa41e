using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>Disks from container images: what the guest writes goes into an overlay and ends with it.</summary>
internal static class ContainerDisks
{
    private static readonly string[] DiskExtensions = [".qcow2", ".img", ".raw", ".iso"];

    public static Task<PreparedDisk> PrepareAsync(string name, ContainerDiskSource image, int index, string field, string target, CancellationToken ct)
    {
        var file = Find(image, LauncherPaths.ContainerDisk(index), field);
        // QEMU would open whatever file of this pod the image's author named.
        if (DiskImage.Inspect(file).RefersToOthers)
            throw new UnsupportedSpecException($"{field}.containerDisk.image", $"the disk of {image.Image} refers to another file, which a container disk must not", isInvalid: true);
        return Overlays.CreateAsync(name, file, target, ct);
    }

    private static string Find(ContainerDiskSource image, string mount, string field)
    {
        if (image.Path is { Length: > 0 } path)
        {
            var file = Path.Combine(mount, path.TrimStart('/'));
            return File.Exists(file) ? file : throw new UnsupportedSpecException($"{field}.containerDisk.path", $"image {image.Image} has no file {path}", isInvalid: true);
        }

        var folder = Path.Combine(mount, "disk");
        var files = Directory.Exists(folder) ? Directory.GetFiles(folder).Where(f => DiskExtensions.Contains(Path.GetExtension(f))).ToList() : [];
        return files switch
        {
            [var only] => only,
            [] => throw new UnsupportedSpecException($"{field}.containerDisk", $"image {image.Image} has no disk in /disk", isInvalid: true),
            _ => throw new UnsupportedSpecException($"{field}.containerDisk", $"image {image.Image} has more than one disk in /disk; name one with path", isInvalid: true),
        };
    }
}

/// <summary>qcow2 files that hold what is written over an image that itself is only read.</summary>
internal static class Overlays
{
    public static async Task<PreparedDisk> CreateAsync(string name, string backing, string target, CancellationToken ct)
    {
        var overlay = Path.Combine(LauncherPaths.EphemeralDisks, "disk-data", name, "disk.qcow2");
        var image = DiskImage.Inspect(backing);
        if (!File.Exists(overlay))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(overlay)!);
            await Command.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", image.Format, "-b", backing, overlay], ct).ConfigureAwait(false);
        }

        return new PreparedDisk(name, target, overlay, "qcow2", backing, image.Format, image.Size) { HasDirectIo = DiskImage.HasDirectIo(overlay) && DiskImage.HasDirectIo(backing) };
    }
}
