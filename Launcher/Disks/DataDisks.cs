using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>Volumes of files that the guest sees as a small ISO disk: config maps, secrets, the downward API, service account, sysprep.</summary>
internal static class DataDisks
{
    private const string DefaultLabel = "cfgdata";
    private static readonly string[] AnswerFiles = ["autounattend.xml", "unattend.xml"];

    /// <summary>Where the files of the volume are and how the image is to be called; null for another kind of volume.</summary>
    public static (string Folder, string Label, string Kind)? SourceOf(Volume volume) => volume switch
    {
        { ConfigMap: { } map } => (LauncherPaths.ConfigMapVolume(volume.Name!), Label(map.VolumeLabel), "config-map-disks"),
        { Secret: { } secret } => (LauncherPaths.SecretVolume(volume.Name!), Label(secret.VolumeLabel), "secret-disks"),
        { DownwardAPI: { } downward } => (LauncherPaths.DownwardApiVolume(volume.Name!), Label(downward.VolumeLabel), "downwardapi-disks"),
        { ServiceAccount: not null } => (LauncherPaths.ServiceAccount, DefaultLabel, "service-account-disk"),
        { Sysprep: not null } => (LauncherPaths.SysprepVolume(volume.Name!), "sysprep", "sysprep-disks"),
        _ => null,
    };

    public static async Task<PreparedDisk> PrepareAsync(Volume volume, string field, string target, CancellationToken ct)
    {
        var (folder, label, kind) = SourceOf(volume) ?? throw new ArgumentException("not a volume of files", nameof(volume));
        var file = Path.Combine(LauncherPaths.EphemeralDisks, kind, volume.Name!, "disk.iso");
        if (!File.Exists(file))
        {
            var files = IsoImage.FilesOf(folder);
            if (volume.Sysprep is not null && !files.Any(f => AnswerFiles.Contains(f.Path, StringComparer.OrdinalIgnoreCase)))
                throw new UnsupportedSpecException($"{field}.sysprep", $"has none of the keys {string.Join(", ", AnswerFiles)}", isInvalid: true);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await IsoImage.WriteAsync(file, label, files, ct).ConfigureAwait(false);
        }

        return new PreparedDisk(volume.Name!, target, file, "raw", SizeBytes: new FileInfo(file).Length);
    }

    private static string Label(string? set) => set is { Length: > 0 } ? set : DefaultLabel;
}
