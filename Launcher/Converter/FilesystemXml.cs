using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>Folders of the pod that the guest mounts by their volume's name.</summary>
internal static class FilesystemXml
{
    public static IEnumerable<XElement> Filesystems(DomainSource source)
    {
        var specs = source.Devices.Filesystems ?? [];
        for (var i = 0; i < specs.Count; i++)
        {
            var volume = source.Spec.Volumes?.FirstOrDefault(v => v.Name == specs[i].Name)
                ?? throw new UnsupportedSpecException($"spec.domain.devices.filesystems[{i}].name", $"no volume is named '{specs[i].Name}'", isInvalid: true);
            yield return new XElement("filesystem", new XAttribute("type", "mount"), new XAttribute("accessmode", "passthrough"),
                new XElement("driver", new XAttribute("type", "virtiofs"), new XAttribute("queue", 1024)),
                new XElement("source", new XAttribute("dir", Folder(volume, $"spec.domain.devices.filesystems[{i}]"))),
                new XElement("target", new XAttribute("dir", volume.Name!)),
                new XElement("alias", new XAttribute("name", $"ua-{volume.Name}")));
        }
    }

    private static string Folder(Messages.Api.KubeVirt.Volume volume, string field) => volume switch
    {
        { ConfigMap: not null } => LauncherPaths.ConfigMapVolume(volume.Name!),
        { Secret: not null } => LauncherPaths.SecretVolume(volume.Name!),
        { DownwardAPI: not null } => LauncherPaths.DownwardApiVolume(volume.Name!),
        { ServiceAccount: not null } => LauncherPaths.ServiceAccount,
        { PersistentVolumeClaim: not null } or { DataVolume: not null } or { HostDisk: not null } => LauncherPaths.HostDisk(volume.Name!),
        { ContainerPath.Path: { Length: > 0 } path } => path,
        _ => throw new UnsupportedSpecException(field, $"volume '{volume.Name}' is of a kind that cannot be shared as a file system", isInvalid: true),
    };
}
