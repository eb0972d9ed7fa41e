using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>Cluster-wide settings; an absent one has the documented default.</summary>
public sealed record KubeVirtConfiguration : ApiObject
{
    public string? AdditionalGuestMemoryOverheadRatio { get; init; }
    public ReloadableComponentConfiguration? ApiConfiguration { get; init; }
    public ArchConfiguration? ArchitectureConfiguration { get; init; }
    public LabelSelector? AutoCPULimitNamespaceLabelSelector { get; init; }
    [ApiNullable]
    public ChangedBlockTrackingSelectors? ChangedBlockTrackingLabelSelectors { get; init; }
    [ApiNullable]
    public CommonInstancetypesDeployment? CommonInstancetypesDeployment { get; init; }
    [ApiNullable]
    public ConfidentialComputeConfiguration? ConfidentialCompute { get; init; }
    public ReloadableComponentConfiguration? ControllerConfiguration { get; init; }
    public string? CpuModel { get; init; }
    public Quantity? CpuRequest { get; init; }
    public string? DefaultRuntimeClass { get; init; }
    public DeveloperConfiguration? DeveloperConfiguration { get; init; }
    public IReadOnlyList<string>? EmulatedMachines { get; init; }
    public string? EvictionStrategy { get; init; }
    public ReloadableComponentConfiguration? HandlerConfiguration { get; init; }
    [ListType("atomic")]
    [ApiMaxItems(1)]
    public IReadOnlyList<HypervisorConfiguration>? Hypervisors { get; init; }
    public string? ImagePullPolicy { get; init; }
    [ApiNullable]
    public InstancetypeConfiguration? Instancetype { get; init; }
    public KSMConfiguration? KsmConfiguration { get; init; }
    public LiveUpdateConfiguration? LiveUpdateConfiguration { get; init; }
    public string? MachineType { get; init; }
    public MediatedDevicesConfiguration? MediatedDevicesConfiguration { get; init; }
    [ApiFormat("int32")]
    public long? MemBalloonStatsPeriod { get; init; }
    public MigrationConfiguration? Migrations { get; init; }
    public string? MinCPUModel { get; init; }
    public NetworkConfiguration? Network { get; init; }
    public IReadOnlyDictionary<string, bool>? ObsoleteCPUModels { get; init; }
    public string? OvmfPath { get; init; }
    public PermittedHostDevices? PermittedHostDevices { get; init; }
    [ApiNullable]
    public PersistentReservationConfiguration? PersistentReservationConfiguration { get; init; }
    [ApiEnum("AggregateToDefault", "Manual")]
    public string? RoleAggregationStrategy { get; init; }
    public SeccompConfiguration? SeccompConfiguration { get; init; }
    public string? SelinuxLauncherType { get; init; }
    public SMBiosConfiguration? Smbios { get; init; }
    [ListMapKeys("type")]
    public IReadOnlyList<SupportContainerResources>? SupportContainerResources { get; init; }
    public IReadOnlyList<string>? SupportedGuestAgentVersions { get; init; }
    public TLSConfiguration? TlsConfiguration { get; init; }
    [ApiNullable]
    public VirtTemplateDeployment? VirtTemplateDeployment { get; init; }
    [ApiFormat("")]
    public int? VirtualMachineInstancesPerNode { get; init; }
    public VirtualMachineOptions? VirtualMachineOptions { get; init; }
    /// <summary>How a change of a running machine's template is treated: LiveUpdate (default) or Stage.</summary>
    [ApiEnum("Stage", "LiveUpdate")]
    [ApiNullable]
    public string? VmRolloutStrategy { get; init; }
    public string? VmStateStorageClass { get; init; }
    public ReloadableComponentConfiguration? WebhookConfiguration { get; init; }
}
