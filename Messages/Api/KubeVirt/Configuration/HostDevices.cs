using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record PermittedHostDevices : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<MediatedHostDevice>? MediatedDevices { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<PciHostDevice>? PciHostDevices { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<USBHostDevice>? Usb { get; init; }
}

public sealed record PciHostDevice : ApiObject
{
    public bool? ExternalResourceProvider { get; init; }
    [ApiRequired]
    public string? PciVendorSelector { get; init; }
    [ApiRequired]
    public string? ResourceName { get; init; }
}

public sealed record MediatedHostDevice : ApiObject
{
    public bool? ExternalResourceProvider { get; init; }
    [ApiRequired]
    public string? MdevNameSelector { get; init; }
    [ApiRequired]
    public string? ResourceName { get; init; }
}

public sealed record USBHostDevice : ApiObject
{
    public bool? ExternalResourceProvider { get; init; }
    [ApiRequired]
    public string? ResourceName { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<USBSelector>? Selectors { get; init; }
}

public sealed record USBSelector : ApiObject
{
    [ApiRequired]
    public string? Product { get; init; }
    [ApiRequired]
    public string? Vendor { get; init; }
}

public sealed record MediatedDevicesConfiguration : ApiObject
{
    public bool? Enabled { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MediatedDeviceTypes { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MediatedDevicesTypes { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<NodeMediatedDeviceTypesConfig>? NodeMediatedDeviceTypes { get; init; }
}

public sealed record NodeMediatedDeviceTypesConfig : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? MediatedDeviceTypes { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? MediatedDevicesTypes { get; init; }
    [ApiRequired]
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
}
