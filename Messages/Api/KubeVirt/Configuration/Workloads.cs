using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record LiveUpdateConfiguration : ApiObject
{
    [ApiFormat("int32")]
    public long? MaxCpuSockets { get; init; }
    public Quantity? MaxGuest { get; init; }
    /// <summary>Ceiling of hot-plugged CPU and memory as a multiple of what the machine starts with; default 4.</summary>
    [ApiFormat("int32")]
    public long? MaxHotplugRatio { get; init; }
}

public sealed record InstancetypeConfiguration : ApiObject
{
    [ApiEnum("reference", "expand", "expandAll")]
    [ApiNullable]
    public string? ReferencePolicy { get; init; }
}

public sealed record CommonInstancetypesDeployment : ApiObject
{
    [ApiNullable]
    public bool? Enabled { get; init; }
}

public sealed record VirtTemplateDeployment : ApiObject
{
    [ApiNullable]
    public bool? Enabled { get; init; }
}

public sealed record VirtualMachineOptions : ApiObject
{
    public DisableFreePageReporting? DisableFreePageReporting { get; init; }
    public DisableSerialConsoleLog? DisableSerialConsoleLog { get; init; }
}

public sealed record DisableFreePageReporting : ApiObject;

public sealed record DisableSerialConsoleLog : ApiObject;

public sealed record SupportContainerResources : ApiObject
{
    [ApiRequired]
    public ResourceRequirementsWithoutClaims? Resources { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}

public sealed record SMBiosConfiguration : ApiObject
{
    public string? Family { get; init; }
    public string? Manufacturer { get; init; }
    public string? Product { get; init; }
    public string? Sku { get; init; }
    public string? Version { get; init; }
}

public sealed record KSMConfiguration : ApiObject
{
    public LabelSelector? NodeLabelSelector { get; init; }
}

public sealed record HypervisorConfiguration : ApiObject
{
    [ApiEnum("kvm", "hyperv-direct")]
    public string? Name { get; init; }
}

public sealed record PersistentReservationConfiguration : ApiObject
{
    [ApiNullable]
    public bool? Enabled { get; init; }
}

public sealed record ChangedBlockTrackingSelectors : ApiObject
{
    public LabelSelector? NamespaceLabelSelector { get; init; }
    public LabelSelector? VirtualMachineLabelSelector { get; init; }
}
