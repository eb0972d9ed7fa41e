using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using static Troupe.ControlPlane.Machines.Instancetypes.PreferenceApplication;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Devices: which are attached, and on which bus or as which model.</summary>
internal static class DevicePreferenceApplication
{
    public static Devices Apply(Devices devices, DevicePreferences preference) => devices with
    {
        AutoattachGraphicsDevice = devices.AutoattachGraphicsDevice ?? preference.PreferredAutoattachGraphicsDevice,
        AutoattachInputDevice = devices.AutoattachInputDevice ?? preference.PreferredAutoattachInputDevice,
        AutoattachMemBalloon = devices.AutoattachMemBalloon ?? preference.PreferredAutoattachMemBalloon,
        AutoattachPodInterface = devices.AutoattachPodInterface ?? preference.PreferredAutoattachPodInterface,
        AutoattachSerialConsole = devices.AutoattachSerialConsole ?? preference.PreferredAutoattachSerialConsole,
        BlockMultiQueue = devices.BlockMultiQueue ?? preference.PreferredBlockMultiQueue,
        // A plain bool in KubeVirt: what is not set can't be told from false.
        DisableHotplug = devices.DisableHotplug is true ? true : preference.PreferredDisableHotplug ?? devices.DisableHotplug,
        NetworkInterfaceMultiqueue = devices.NetworkInterfaceMultiqueue ?? preference.PreferredNetworkInterfaceMultiQueue,
        UseVirtioTransitional = devices.UseVirtioTransitional ?? preference.PreferredUseVirtioTransitional,
        Rng = devices.Rng ?? preference.PreferredRng,
        Tpm = devices.Tpm ?? preference.PreferredTPM,
        Sound = devices.Sound is { } sound && Text(sound.Model) is null ? sound with { Model = Text(preference.PreferredSoundModel) } : devices.Sound,
        Video = devices.Video ?? (Text(preference.PreferredVideoType) is { } video && devices.AutoattachGraphicsDevice is not false ? new VideoDevice { Type = video } : null),
        PanicDevices = Text(preference.PreferredPanicDeviceModel) is { } panic ? devices.PanicDevices?.Select(d => d.Model is null ? d with { Model = panic } : d).ToList() : devices.PanicDevices,
        Gpus = preference.PreferredVirtualGPUOptions is { } gpu ? devices.Gpus?.Select(g => g.VirtualGPUOptions is null ? g with { VirtualGPUOptions = gpu } : g).ToList() : devices.Gpus,
        Disks = devices.Disks?.Select(d => Disk(d, preference)).ToList(),
        Interfaces = devices.Interfaces?.Select(i => Interface(i, preference)).ToList(),
        Inputs = devices.Inputs?.Select(i => Input(i, preference)).ToList(),
    };

    private static Disk Disk(Disk disk, DevicePreferences preference)
    {
        var bus = preference.PreferredDiskBus;
        disk = disk switch
        {
            { Cdrom: { } cdrom } => disk with { Cdrom = Text(cdrom.Bus) is null ? cdrom with { Bus = Text(preference.PreferredCdromBus) } : cdrom },
            { Lun: { } lun } => disk with { Lun = Text(lun.Bus) is null ? lun with { Bus = Text(preference.PreferredLunBus) } : lun },
            { DiskValue: { } target } => disk with { DiskValue = Text(target.Bus) is null ? target with { Bus = Text(bus) } : target },
            _ when Text(bus) is not null => disk with { DiskValue = new DiskTarget { Bus = bus } },
            _ => disk,
        };
        return disk with
        {
            // An own I/O thread is a matter of virtio's queues.
            DedicatedIOThread = disk.DedicatedIOThread ?? (disk.DiskValue?.Bus == "virtio" ? preference.PreferredDiskDedicatedIoThread : null),
            BlockSize = disk.BlockSize ?? preference.PreferredDiskBlockSize,
            Cache = Text(disk.Cache) ?? Text(preference.PreferredDiskCache),
            Io = Text(disk.Io) ?? Text(preference.PreferredDiskIO),
        };
    }

    private static Interface Interface(Interface nic, DevicePreferences preference)
    {
        if (Text(nic.Model) is null && nic.Sriov is null)
            nic = nic with { Model = Text(preference.PreferredInterfaceModel) };
        var bound = nic.Bridge is not null || nic.Masquerade is not null || nic.Sriov is not null || nic.Binding is not null || nic.PasstBinding is not null;
        return bound || preference.PreferredInterfaceMasquerade is null ? nic : nic with { Masquerade = preference.PreferredInterfaceMasquerade };
    }

    private static Input Input(Input input, DevicePreferences preference) => input with
    {
        Bus = Text(input.Bus) ?? Text(preference.PreferredInputBus),
        Type = Text(input.Type) ?? Text(preference.PreferredInputType),
    };
}
