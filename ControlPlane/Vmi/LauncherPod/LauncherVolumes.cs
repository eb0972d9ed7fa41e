using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The launcher pod's volumes, where the compute container finds them, and the secrets that pulling them needs.</summary>
internal sealed class LauncherVolumes
{
    private static readonly (string Name, string Path)[] Scratch =
    [
        ("private", LauncherPaths.Private), ("public", LauncherPaths.Public), ("sockets", LauncherPaths.Sockets),
        ("libvirt-runtime", LauncherPaths.LibvirtRuntime), ("ephemeral-disks", LauncherPaths.EphemeralDisks),
    ];

    private const string Hugepages = "/dev/hugepages";

    private readonly List<PodVolume> _volumes = [];
    private readonly List<VolumeMount> _mounts = [];
    private readonly List<VolumeDevice> _devices = [];
    private readonly List<string> _pullSecrets = [];
    private readonly IReadOnlySet<string> _blockClaims;
    private int _containerDisks;

    private LauncherVolumes(IReadOnlySet<string> blockClaims) => _blockClaims = blockClaims;

    public IReadOnlyList<PodVolume> Volumes => _volumes;
    public IReadOnlyList<VolumeMount> Mounts => _mounts;
    public IReadOnlyList<VolumeDevice> Devices => _devices;
    public IReadOnlyList<string> PullSecrets => _pullSecrets;

    /// <param name="blockClaims">Claims whose volume mode is Block; all others are mounted as filesystems.</param>
    public static LauncherVolumes Of(VirtualMachineInstance vmi, IReadOnlySet<string> blockClaims, GuestSettings settings, string? stateClaim)
    {
        var all = new LauncherVolumes(blockClaims);
        foreach (var (name, path) in Scratch)
            all.Add(new PodVolume { Name = name, EmptyDir = new EmptyDirVolume() }, path, readOnly: false);
        foreach (var volume in vmi.Spec?.Volumes ?? [])
            all.Add(volume, volume.Name!);
        if (vmi.Spec?.Domain?.Firmware?.KernelBoot?.Container is { } kernel)
            all.AddImage("kernel-boot-volume", kernel.Image, kernel.ImagePullPolicy, kernel.ImagePullSecret, LauncherPaths.KernelBoot);
        all.AddAccessCredentials(vmi.Spec?.AccessCredentials ?? []);
        if (vmi.Spec?.Domain?.Devices?.Interfaces?.Any(settings.NeedsDeviceInfo) is true)
            all.AddNetworkInfo();
        if (vmi.Spec?.Domain?.Memory?.Hugepages is not null)
            all.AddHugepages();
        if (vmi.Spec?.Domain?.Devices?.DisableHotplug is not true)
            all.AddHotplugDisks();
        if (StateVolume.IsNeeded(vmi))
            all.AddState(stateClaim ?? StateVolume.ClaimName(vmi));
        return all;
    }

    private void Add(Volume volume, string name)
    {
        switch (volume)
        {
            case { ContainerDisk: { } image }:
                AddImage(name, image.Image, image.ImagePullPolicy, image.ImagePullSecret, LauncherPaths.ContainerDisk(_containerDisks++));
                break;
            case { HostDisk: { Path: { } path } host }:
                // The directory, because a disk that is to be created has no file yet.
                Add(new PodVolume
                {
                    Name = name,
                    HostPath = new HostPathVolume { Path = Path.GetDirectoryName(path), Type = host.Type == "DiskOrCreate" ? "DirectoryOrCreate" : "Directory" },
                }, LauncherPaths.HostDisk(name), readOnly: false);
                break;
            // What is plugged in later is not the pod's: an attachment pod brings it.
            case { PersistentVolumeClaim: { ClaimName: { } claim } source } when source.Hotpluggable is not true:
                AddClaim(name, claim, source.ReadOnly is true);
                break;
            case { DataVolume: { Name: { } dataVolume } source } when source.Hotpluggable is not true:
                AddClaim(name, dataVolume, readOnly: false);
                break;
            case { Ephemeral.PersistentVolumeClaim: { ClaimName: { } backing } }:
                AddClaim(name, backing, readOnly: true);
                break;
            case { ConfigMap: { } map }:
                Add(new PodVolume { Name = name, ConfigMap = new ConfigMapVolume { Name = map.Name, Optional = map.Optional } }, LauncherPaths.ConfigMapVolume(name));
                break;
            case { Secret: { } secret }:
                AddSecret(name, secret.SecretName, LauncherPaths.SecretVolume(name), secret.Optional);
                break;
            case { DownwardAPI: { } downward }:
                Add(new PodVolume { Name = name, DownwardAPI = new DownwardAPIVolume { Items = downward.Fields } }, LauncherPaths.DownwardApiVolume(name));
                break;
            case { Sysprep: { ConfigMap: { } map } }:
                Add(new PodVolume { Name = name, ConfigMap = new ConfigMapVolume { Name = map.Name } }, LauncherPaths.SysprepVolume(name));
                break;
            case { Sysprep: { Secret: { } secret } }:
                AddSecret(name, secret.Name, LauncherPaths.SysprepVolume(name));
                break;
            case { CloudInitNoCloud: { } noCloud }:
                AddCloudInit(name, noCloud.SecretRef, noCloud.NetworkDataSecretRef);
                break;
            case { CloudInitConfigDrive: { } configDrive }:
                AddCloudInit(name, configDrive.SecretRef, configDrive.NetworkDataSecretRef);
                break;
        }
    }

    private void AddClaim(string name, string claim, bool readOnly)
    {
        _volumes.Add(new PodVolume { Name = name, PersistentVolumeClaim = new PersistentVolumeClaimVolume { ClaimName = claim, ReadOnly = readOnly ? true : null } });
        if (_blockClaims.Contains(claim))
            _devices.Add(new VolumeDevice { Name = name, DevicePath = LauncherPaths.BlockDevice(name) });
        else
            _mounts.Add(new VolumeMount { Name = name, MountPath = LauncherPaths.HostDisk(name), ReadOnly = readOnly ? true : null });
    }

    private void AddImage(string name, string? reference, string? pullPolicy, string? pullSecret, string path)
    {
        Add(new PodVolume { Name = name, Image = new ImageVolume { Reference = reference, PullPolicy = pullPolicy is { Length: > 0 } said ? said : null } }, path);
        if (pullSecret is { Length: > 0 } && !_pullSecrets.Contains(pullSecret))
            _pullSecrets.Add(pullSecret);
    }

    private void AddCloudInit(string name, LocalObjectReference? user, LocalObjectReference? network)
    {
        AddSecret(name, user?.Name, LauncherPaths.SecretVolume(name));
        AddSecret($"{name}-networkdata", network?.Name, LauncherPaths.SecretVolume($"{name}-networkdata"));
    }

    private void AddAccessCredentials(IReadOnlyList<AccessCredential> credentials)
    {
        var secrets = credentials.Select(c => (c.SshPublicKey?.Source?.Secret ?? c.UserPassword?.Source?.Secret)?.SecretName).OfType<string>().Distinct();
        foreach (var secret in secrets)
            AddSecret($"{secret}-access-cred", secret, LauncherPaths.AccessCredential(secret));
    }

    /// <summary>Which device Multus gave to which network.</summary>
    private void AddNetworkInfo() => Add(new PodVolume
    {
        Name = NetworkInfo.Volume,
        DownwardAPI = new DownwardAPIVolume
        {
            Items = [new DownwardAPIVolumeFile { Path = LauncherPaths.NetworkInfoName, FieldRef = new ObjectFieldSelector { FieldPath = $"metadata.annotations['{NetworkInfo.Annotation}']" } }],
        },
    }, LauncherPaths.PodInfo, readOnly: false);

    /// <summary>Where libvirt looks for the kernel's huge pages, and in it a folder that it can write to.</summary>
    private void AddHugepages()
    {
        Add(new PodVolume { Name = "hugepages", EmptyDir = new EmptyDirVolume { Medium = "HugePages" } }, Hugepages, readOnly: false);
        Add(new PodVolume { Name = "hugetblfs-dir", EmptyDir = new EmptyDirVolume() }, $"{Hugepages}/libvirt/qemu", readOnly: false);
    }

    /// <summary>What the node mounts here while the guest runs must be seen inside.</summary>
    private void AddHotplugDisks()
    {
        _volumes.Add(new PodVolume { Name = LauncherPaths.HotplugDisksVolume, EmptyDir = new EmptyDirVolume() });
        _mounts.Add(new VolumeMount { Name = LauncherPaths.HotplugDisksVolume, MountPath = LauncherPaths.HotplugDisks, MountPropagation = "HostToContainer" });
    }

    /// <summary>One claim for both kinds of state, each in a folder of its own.</summary>
    private void AddState(string claim)
    {
        _volumes.Add(new PodVolume { Name = StateVolume.Name, PersistentVolumeClaim = new PersistentVolumeClaimVolume { ClaimName = claim } });
        _mounts.Add(new VolumeMount { Name = StateVolume.Name, MountPath = LauncherPaths.Nvram, SubPath = "nvram" });
        _mounts.Add(new VolumeMount { Name = StateVolume.Name, MountPath = LauncherPaths.SwtpmState, SubPath = "swtpm" });
    }

    private void AddSecret(string name, string? secret, string path, bool? optional = null)
    {
        if (secret is { Length: > 0 })
            Add(new PodVolume { Name = name, Secret = new SecretVolume { SecretName = secret, Optional = optional } }, path);
    }

    private void Add(PodVolume volume, string path, bool readOnly = true)
    {
        _volumes.Add(volume);
        _mounts.Add(new VolumeMount { Name = volume.Name, MountPath = path, ReadOnly = readOnly ? true : null });
    }
}
