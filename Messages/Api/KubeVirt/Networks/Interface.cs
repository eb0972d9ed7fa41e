using System.Text.Json.Serialization;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record ClientPassthroughDevices : ApiObject;

public sealed record Interface : ApiObject
{
    [ApiFormat("")]
    public int? AcpiIndex { get; init; }
    public PluginBinding? Binding { get; init; }
    [ApiFormat("")]
    [JsonConverter(typeof(UnsignedIntConverter))]
    public int? BootOrder { get; init; }
    public InterfaceBridge? Bridge { get; init; }
    public DHCPOptions? DhcpOptions { get; init; }
    public string? MacAddress { get; init; }
    public DeprecatedInterfaceMacvtap? Macvtap { get; init; }
    public InterfaceMasquerade? Masquerade { get; init; }
    public string? Model { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
    public DeprecatedInterfacePasst? Passt { get; init; }
    public InterfacePasstBinding? PasstBinding { get; init; }
    public string? PciAddress { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<PortRange>? PortRanges { get; init; }
    public IReadOnlyList<Port>? Ports { get; init; }
    public DeprecatedInterfaceSlirp? Slirp { get; init; }
    public InterfaceSRIOV? Sriov { get; init; }
    public string? State { get; init; }
    public string? Tag { get; init; }
}

public sealed record DHCPOptions : ApiObject
{
    public string? BootFileName { get; init; }
    public IReadOnlyList<string>? NtpServers { get; init; }
    public IReadOnlyList<DHCPPrivateOptions>? PrivateOptions { get; init; }
    public string? TftpServerName { get; init; }
}

public sealed record DeprecatedInterfaceMacvtap : ApiObject;

public sealed record DeprecatedInterfacePasst : ApiObject;

public sealed record DeprecatedInterfaceSlirp : ApiObject;

public sealed record InterfaceBridge : ApiObject;

public sealed record InterfaceMasquerade : ApiObject;

public sealed record InterfacePasstBinding : ApiObject;

public sealed record InterfaceSRIOV : ApiObject;

public sealed record PluginBinding : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record Port : ApiObject
{
    public string? Name { get; init; }
    [ApiRequired, JsonPropertyName("port")]
    public int? PortValue { get; init; }
    public string? Protocol { get; init; }
}

public sealed record PortRange : ApiObject
{
    [ApiRequired]
    public int? End { get; init; }
    [ApiRequired]
    public string? Protocol { get; init; }
    [ApiRequired]
    public int? Start { get; init; }
}

public sealed record DHCPPrivateOptions : ApiObject
{
    [ApiRequired]
    [ApiFormat("")]
    public int? Option { get; init; }
    [ApiRequired]
    public string? Value { get; init; }
}
