using System.Buffers.Binary;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>Turns a VMI's volumes into disk images: overlays of container disks, empty disks, host disks, cloud-init.</summary>
internal static class DiskPreparer
{
    private static readonly string[] DiskExtensions = [".qcow2", ".img", ".raw", ".iso"];

    /// <summary>Disks that exist already (the launcher or its guest was started before) are taken as they are.</summary>
    public static async Task<IReadOnlyList<PreparedDisk>> PrepareAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        var domain = vmi.Spec!.Domain!;
        var targets = DiskXml.Targets(domain);
        List<Task<PreparedDisk>> disks = [];
        var volumes = vmi.Spec.Volumes ?? [];
        var containerDisk = 0;
        for (var i = 0; i < volumes.Count; i++)
        {
            var volume = volumes[i];
            var index = volume.ContainerDisk is null ? -1 : containerDisk++;
            if (targets.TryGetValue(volume.Name!, out var target))
                disks.Add(PrepareAsync(vmi, volume, $"spec.volumes[{i}]", index, target, ct));
        }

        return await Task.WhenAll(disks).ConfigureAwait(false);
    }

    private static Task<PreparedDisk> PrepareAsync(VirtualMachineInstance vmi, Volume volume, string field, int containerDisk, string target, CancellationToken ct) => volume switch
    {
        { ContainerDisk: { } image } => OverlayAsync(volume.Name!, Find(image, LauncherPaths.ContainerDisk(containerDisk), field), target, ct),
        { EmptyDisk: { } empty } => EmptyAsync(volume.Name!, empty, field, target, ct),
        { HostDisk: { } host } => Task.FromResult(Host(volume.Name!, host, field, target)),
        { CloudInitNoCloud: { } cloudInit } => CloudInitAsync(vmi, volume.Name!, cloudInit, target, ct),
        _ => throw new UnsupportedSpecException(field, $"volume '{volume.Name}' is of a kind that this launcher does not support"),
    };

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

    private static async Task<PreparedDisk> OverlayAsync(string name, string backing, string target, CancellationToken ct)
    {
        var overlay = Path.Combine(LauncherPaths.EphemeralDisks, "disk-data", name, "disk.qcow2");
        var (format, size) = Inspect(backing);
        if (!File.Exists(overlay))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(overlay)!);
            await Command.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", format, "-b", backing, overlay], ct).ConfigureAwait(false);
        }

        return new PreparedDisk(name, target, overlay, "qcow2", backing, format, size);
    }

    private static async Task<PreparedDisk> EmptyAsync(string name, EmptyDiskSource empty, string field, string target, CancellationToken ct)
    {
        if (empty.Capacity is not { } capacity || !Messages.Api.Meta.Quantity.TryParse(capacity.Text, out var bytes) || bytes <= 0)
            throw new UnsupportedSpecException($"{field}.emptyDisk.capacity", "must be a quantity greater than zero", isInvalid: true);
        var file = Path.Combine(LauncherPaths.EphemeralDisks, "empty-disks", name, "disk.qcow2");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await Command.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", file, $"{capacity.Units}"], ct).ConfigureAwait(false);
        }

        return new PreparedDisk(name, target, file, "qcow2", SizeBytes: capacity.Units);
    }

    private static PreparedDisk Host(string name, HostDisk host, string field, string target)
    {
        var file = Path.Combine(LauncherPaths.HostDisk(name), Path.GetFileName(host.Path!));
        if (!File.Exists(file))
        {
            if (host.Type is not "DiskOrCreate")
                throw new UnsupportedSpecException($"{field}.hostDisk.path", $"{host.Path} does not exist on the node", isInvalid: true);
            if (host.Capacity is not { } capacity)
                throw new UnsupportedSpecException($"{field}.hostDisk.capacity", "is required for DiskOrCreate", isInvalid: true);
            using var created = File.Create(file);
            created.SetLength(capacity.Units);
        }

        var (format, size) = Inspect(file);
        return new PreparedDisk(name, target, file, format, SizeBytes: size);
    }

    private static async Task<PreparedDisk> CloudInitAsync(VirtualMachineInstance vmi, string name, CloudInitNoCloudSource source, string target, CancellationToken ct)
    {
        var file = Path.Combine(LauncherPaths.EphemeralDisks, "cloud-init", name, "noCloud.iso");
        if (!File.Exists(file))
            await CloudInitImage.WriteAsync(CloudInitData.Of(vmi, name, source), file, ct).ConfigureAwait(false);
        return new PreparedDisk(name, target, file, "raw", SizeBytes: new FileInfo(file).Length);
    }

    /// <summary>Format by what the file holds: a qcow2 header is <c>QFI\xfb</c>, version, …, and the virtual size at byte 24.</summary>
    internal static (string Format, long Size) Inspect(string file)
    {
        using var stream = File.OpenRead(file);
        Span<byte> header = stackalloc byte[32];
        return stream.ReadAtLeast(header, 32, throwOnEndOfStream: false) == 32 && header.StartsWith("QFI"u8) && header[3] == 0xfb
            ? ("qcow2", BinaryPrimitives.ReadInt64BigEndian(header[24..]))
            : ("raw", stream.Length);
    }
}
