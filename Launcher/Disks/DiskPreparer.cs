using Troupe.Launcher.Converter;
using Troupe.Launcher.Disks.CloudInit;
using Troupe.Launcher.Hooks;
using Troupe.Launcher.Metrics;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>Turns a VMI's volumes into disk images.</summary>
internal static class DiskPreparer
{
    /// <summary>Disks that exist already (the launcher or its guest was started before) are taken as they are.</summary>
    /// <param name="hooks">May change what cloud-init is told.</param>
    /// <returns>Without those that are plugged in later.</returns>
    public static async Task<IReadOnlyList<PreparedDisk>> PrepareAsync(VirtualMachineInstance vmi, HookSidecars? hooks, CancellationToken ct)
    {
        var domain = vmi.Spec!.Domain!;
        var targets = DiskTargets.Of(domain);
        List<Task<PreparedDisk?>> disks = [];
        var volumes = vmi.Spec.Volumes ?? [];
        var containerDisk = 0;
        for (var i = 0; i < volumes.Count; i++)
        {
            var volume = volumes[i];
            var index = volume.ContainerDisk is null ? -1 : containerDisk++;
            if (targets.TryGetValue(volume.Name!, out var target))
                disks.Add(PrepareAsync(vmi, volume, $"spec.volumes[{i}]", index, target, hooks, ct));
        }

        return [.. (await Task.WhenAll(disks).ConfigureAwait(false)).OfType<PreparedDisk>()];
    }

    private static async Task<PreparedDisk?> PrepareAsync(VirtualMachineInstance vmi, Volume volume, string field, int containerDisk, string target, HookSidecars? hooks, CancellationToken ct)
    {
        var name = volume.Name!;
        var match = vmi.Spec!.Domain!.Devices!.Disks!.First(d => d.Name == name).BlockSize?.MatchVolume is { Enabled: not false };
        return volume switch
        {
            { ContainerDisk: { } image } => await ContainerDisks.PrepareAsync(name, image, containerDisk, field, target, ct).ConfigureAwait(false),
            { EmptyDisk: { } empty } => await EmptyAsync(name, empty, field, target, ct).ConfigureAwait(false),
            { HostDisk: { } host } => await ClaimDisks.HostAsync(name, host, field, target, match, ct).ConfigureAwait(false),
            { PersistentVolumeClaim: { } claim } => await ClaimDisks.ClaimAsync(vmi, name, field, target, claim.Hotpluggable is true, match, ct).ConfigureAwait(false),
            { DataVolume: { } data } => await ClaimDisks.ClaimAsync(vmi, name, field, target, data.Hotpluggable is true, match, ct).ConfigureAwait(false),
            { Ephemeral: not null } => await ClaimDisks.EphemeralAsync(name, field, target, ct).ConfigureAwait(false),
            { CloudInitNoCloud: not null } or { CloudInitConfigDrive: not null } => await CloudInitDisk.PrepareAsync(vmi, volume, field, target, hooks, ct).ConfigureAwait(false),
            _ when DataDisks.SourceOf(volume) is not null => await DataDisks.PrepareAsync(volume, field, target, ct).ConfigureAwait(false),
            { DownwardMetrics: not null } => Metrics(name, target),
            { MemoryDump: not null } => null,
            _ => throw new UnsupportedSpecException(field, $"volume '{name}' is of a kind that this launcher does not support"),
        };
    }

    private static PreparedDisk Metrics(string name, string target)
    {
        var file = GuestMetrics.DiskOf(name);
        if (!File.Exists(file))
            VhostmdDisk.Create(file);
        return new PreparedDisk(name, target, file, "raw", SizeBytes: VhostmdDisk.Size) { HasDirectIo = DiskImage.HasDirectIo(file), IsReadonly = true };
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

        return new PreparedDisk(name, target, file, "qcow2", SizeBytes: capacity.Units) { HasDirectIo = DiskImage.HasDirectIo(file) };
    }
}
