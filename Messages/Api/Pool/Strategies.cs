using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Pool;

public sealed record VirtualMachinePoolScaleInStrategy : ApiObject
{
    public VirtualMachinePoolOpportunisticScaleInStrategy? Opportunistic { get; init; }
    public VirtualMachinePoolProactiveScaleInStrategy? Proactive { get; init; }
    public VirtualMachinePoolUnmanagedStrategy? Unmanaged { get; init; }
}

public sealed record VirtualMachinePoolProactiveScaleInStrategy : ApiObject
{
    public VirtualMachinePoolSelectionPolicy? SelectionPolicy { get; init; }
    [ApiEnum("Disabled", "Offline", "Online")]
    public string? StatePreservation { get; init; }
}

public sealed record VirtualMachinePoolOpportunisticScaleInStrategy : ApiObject
{
    [ApiEnum("Disabled", "Offline", "Online")]
    public string? StatePreservation { get; init; }
}

public sealed record VirtualMachinePoolUnmanagedStrategy : ApiObject;

public sealed record VirtualMachinePoolSelectionPolicy : ApiObject
{
    public VirtualMachinePoolSelectors? Selectors { get; init; }
    [ApiEnum("AscendingOrder", "DescendingOrder", "Newest", "Oldest", "Random")]
    public string? SortPolicy { get; init; }
}

public sealed record VirtualMachinePoolSelectors : ApiObject
{
    public LabelSelector? LabelSelector { get; init; }
    public IReadOnlyList<NodeSelectorRequirement>? NodeSelectorRequirementMatcher { get; init; }
}

public sealed record VirtualMachinePoolUpdateStrategy : ApiObject
{
    public VirtualMachineOpportunisticUpdateStrategy? Opportunistic { get; init; }
    public VirtualMachinePoolProactiveUpdateStrategy? Proactive { get; init; }
    public VirtualMachinePoolUnmanagedStrategy? Unmanaged { get; init; }
}

public sealed record VirtualMachinePoolProactiveUpdateStrategy : ApiObject
{
    public VirtualMachinePoolSelectionPolicy? SelectionPolicy { get; init; }
}

public sealed record VirtualMachineOpportunisticUpdateStrategy : ApiObject;
