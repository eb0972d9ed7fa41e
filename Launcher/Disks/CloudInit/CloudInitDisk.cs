using Troupe.Launcher.Hooks;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks.CloudInit;

/// <summary>The seed disk that cloud-init looks for by its label.</summary>
internal static class CloudInitDisk
{
    public static async Task<PreparedDisk> PrepareAsync(VirtualMachineInstance vmi, Volume volume, string field, string target, HookSidecars? hooks, CancellationToken ct)
    {
        var name = volume.Name!;
        var isNoCloud = volume.CloudInitNoCloud is not null;
        var file = Path.Combine(LauncherPaths.EphemeralDisks, "cloud-init", name, isNoCloud ? "noCloud.iso" : "configdrive.iso");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var data = CloudInitSources.Read(volume, field);
            if (hooks is not null)
                data = await hooks.SeedAsync(data, isNoCloud, vmi, ct).ConfigureAwait(false);
            var keys = PublicKeys.Read(vmi.Spec?.AccessCredentials ?? [], isNoCloud);
            await IsoImage.WriteAsync(file, isNoCloud ? "cidata" : "config-2", isNoCloud ? NoCloud.Files(vmi, data, keys) : ConfigDrive.Files(vmi, data, keys), ct).ConfigureAwait(false);
        }

        return new PreparedDisk(name, target, file, "raw", SizeBytes: new FileInfo(file).Length) { HasDirectIo = DiskImage.HasDirectIo(file) };
    }

    /// <summary>KubeVirt's rule: `spec.hostname`, or the first label of the name.</summary>
    public static string HostnameOf(VirtualMachineInstance vmi) => vmi.Spec?.Hostname is { Length: > 0 } set ? set : vmi.Metadata.Name!.Split('.')[0];
}
