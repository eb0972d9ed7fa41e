using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Instancetype;

public sealed record DevicePreferences : ApiObject
{
    public bool? PreferredAutoattachGraphicsDevice { get; init; }
    public bool? PreferredAutoattachInputDevice { get; init; }
    public bool? PreferredAutoattachMemBalloon { get; init; }
    public bool? PreferredAutoattachPodInterface { get; init; }
    public bool? PreferredAutoattachSerialConsole { get; init; }
    public bool? PreferredBlockMultiQueue { get; init; }
    public string? PreferredCdromBus { get; init; }
    public bool? PreferredDisableHotplug { get; init; }
    public BlockSize? PreferredDiskBlockSize { get; init; }
    public string? PreferredDiskBus { get; init; }
    public string? PreferredDiskCache { get; init; }
    public bool? PreferredDiskDedicatedIoThread { get; init; }
    public string? PreferredDiskIO { get; init; }
    public string? PreferredInputBus { get; init; }
    public string? PreferredInputType { get; init; }
    public InterfaceMasquerade? PreferredInterfaceMasquerade { get; init; }
    public string? PreferredInterfaceModel { get; init; }
    public string? PreferredLunBus { get; init; }
    public bool? PreferredNetworkInterfaceMultiQueue { get; init; }
    public string? PreferredPanicDeviceModel { get; init; }
    public Rng? PreferredRng { get; init; }
    public string? PreferredSoundModel { get; init; }
    public TPMDevice? PreferredTPM { get; init; }
    public bool? PreferredUseVirtioTransitional { get; init; }
    public string? PreferredVideoType { get; init; }
    public VGPUOptions? PreferredVirtualGPUOptions { get; init; }
}
