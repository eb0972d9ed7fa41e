using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The launcher pod's volumes, where they are mounted, and the secrets that pulling them needs.</summary>
internal sealed record LauncherVolumes(IReadOnlyList<PodVolume> Volumes, IReadOnlyList<VolumeMount> Mounts, IReadOnlyList<string> PullSecrets)
{
    private static readonly (string Name, string Path)[] Scratch =
    [
        ("private", LauncherPaths.Private), ("public", LauncherPaths.Public), ("sockets", LauncherPaths.Sockets),
        ("libvirt-runtime", LauncherPaths.LibvirtRuntime), ("ephemeral-disks", LauncherPaths.EphemeralDisks),
    ];

    public static LauncherVolumes Of(VirtualMachineInstance vmi)
    {
        List<PodVolume> volumes = [.. Scratch.Select(s => new PodVolume { Name = s.Name, EmptyDir = new EmptyDirVolume() })];
        List<VolumeMount> mounts = [.. Scratch.Select(s => new VolumeMount { Name = s.Name, MountPath = s.Path })];
        List<string> secrets = [];
        var disk = 0;
        foreach (var volume in vmi.Spec?.Volumes ?? [])
        {
            if (volume.ContainerDisk is { } image)
            {
                volumes.Add(Image(volume.Name!, image.Image, image.ImagePullPolicy));
                mounts.Add(new VolumeMount { Name = volume.Name, MountPath = LauncherPaths.ContainerDisk(disk++), ReadOnly = true });
                AddSecret(image.ImagePullSecret);
            }
            else if (volume.HostDisk is { Path: { } path } host)
            {
                // The directory, because a disk that is to be created has no file yet.
                volumes.Add(new PodVolume
                {
                    Name = volume.Name,
                    HostPath = new HostPathVolume { Path = Path.GetDirectoryName(path), Type = host.Type == "DiskOrCreate" ? "DirectoryOrCreate" : "Directory" },
                });
                mounts.Add(new VolumeMount { Name = volume.Name, MountPath = LauncherPaths.HostDisk(volume.Name!) });
            }
            else if (volume.CloudInitNoCloud is { } cloudInit)
            {
                AddSecretVolume(volume.Name!, cloudInit.SecretRef?.Name, LauncherPaths.SecretVolume(volume.Name!));
                AddSecretVolume($"{volume.Name}-networkdata", cloudInit.NetworkDataSecretRef?.Name, LauncherPaths.SecretVolume($"{volume.Name}-networkdata"));
            }
        }

        if (vmi.Spec?.Domain?.Firmware?.KernelBoot?.Container is { } kernel)
        {
            volumes.Add(Image("kernel-boot", kernel.Image, kernel.ImagePullPolicy));
            mounts.Add(new VolumeMount { Name = "kernel-boot", MountPath = LauncherPaths.KernelBoot, ReadOnly = true });
            AddSecret(kernel.ImagePullSecret);
        }

        return new LauncherVolumes(volumes, mounts, secrets);

        void AddSecret(string? name)
        {
            if (name is { Length: > 0 } && !secrets.Contains(name))
                secrets.Add(name);
        }

        void AddSecretVolume(string name, string? secret, string path)
        {
            if (secret is null)
                return;
            volumes.Add(new PodVolume { Name = name, Secret = new SecretVolume { SecretName = secret } });
            mounts.Add(new VolumeMount { Name = name, MountPath = path, ReadOnly = true });
        }
    }

    private static PodVolume Image(string name, string? reference, string? pullPolicy) =>
        new() { Name = name, Image = new ImageVolume { Reference = reference, PullPolicy = pullPolicy ?? "IfNotPresent" } };
}
