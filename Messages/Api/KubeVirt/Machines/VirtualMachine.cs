using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

/// <summary>The wish for a virtual machine that outlives its runs: as its run strategy says, a VirtualMachineInstance is made from the template and replaced.</summary>
public sealed record VirtualMachine : KubeObject
{
    [ApiRequired]
    public VirtualMachineSpec? Spec { get; init; }
    public VirtualMachineStatus? Status { get; init; }
}

public sealed record VirtualMachineSpec : ApiObject
{
    /// <summary>DataVolumes that the machine owns; they are created with it and deleted with it.</summary>
    public IReadOnlyList<DataVolumeTemplateSpec>? DataVolumeTemplates { get; init; }
    public InstancetypeMatcher? Instancetype { get; init; }
    public PreferenceMatcher? Preference { get; init; }
    /// <summary>Always, RerunOnFailure, Manual, Halted, Once or WaitAsReceiver.</summary>
    public string? RunStrategy { get; init; }
    /// <summary>Deprecated in favour of runStrategy, and exclusive with it: true means Always, false means Halted.</summary>
    public bool? Running { get; init; }
    [ApiRequired]
    public VirtualMachineInstanceTemplateSpec? Template { get; init; }
    /// <summary>What a change of a running machine's volumes means: Replacement (at the next start) or Migration (the data are copied by a live migration).</summary>
    public string? UpdateVolumesStrategy { get; init; }
}

public sealed record VirtualMachineInstanceTemplateSpec : ApiObject
{
    [ApiNullable]
    public ObjectMeta? Metadata { get; init; }
    public VirtualMachineInstanceSpec? Spec { get; init; }
}

/// <summary>Which instance type sizes the machine, and the revision of it that the machine keeps.</summary>
public sealed record InstancetypeMatcher : ApiObject
{
    /// <summary>Name of a volume whose PVC, DataVolume or DataSource carries the default's name in a label.</summary>
    public string? InferFromVolume { get; init; }
    /// <summary>Reject (default) or Ignore when nothing can be inferred.</summary>
    public string? InferFromVolumeFailurePolicy { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    /// <summary>Name of the ControllerRevision that holds the instance type as it was first used.</summary>
    public string? RevisionName { get; init; }
}

/// <summary>Which preference fills the gaps of the template, and the revision of it that the machine keeps.</summary>
public sealed record PreferenceMatcher : ApiObject
{
    /// <summary>Name of a volume whose PVC, DataVolume or DataSource carries the default's name in a label.</summary>
    public string? InferFromVolume { get; init; }
    /// <summary>Reject (default) or Ignore when nothing can be inferred.</summary>
    public string? InferFromVolumeFailurePolicy { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    /// <summary>Name of the ControllerRevision that holds the preference as it was first used.</summary>
    public string? RevisionName { get; init; }
}
