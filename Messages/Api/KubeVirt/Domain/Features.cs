using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Features : ApiObject
{
    public FeatureState? Acpi { get; init; }
    public FeatureAPIC? Apic { get; init; }
    public FeatureHyperv? Hyperv { get; init; }
    public HyperVPassthrough? HypervPassthrough { get; init; }
    public FeatureKVM? Kvm { get; init; }
    public FeatureState? Pvspinlock { get; init; }
    public FeatureState? Smm { get; init; }
}

public sealed record CPUFeature : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    public string? Policy { get; init; }
}

public sealed record FeatureAPIC : ApiObject
{
    public bool? Enabled { get; init; }
    public bool? EndOfInterrupt { get; init; }
}

public sealed record FeatureHyperv : ApiObject
{
    public FeatureState? Evmcs { get; init; }
    public FeatureState? Frequencies { get; init; }
    public FeatureState? Ipi { get; init; }
    public FeatureState? Reenlightenment { get; init; }
    public FeatureState? Relaxed { get; init; }
    public FeatureState? Reset { get; init; }
    public FeatureState? Runtime { get; init; }
    public FeatureSpinlocks? Spinlocks { get; init; }
    public FeatureState? Synic { get; init; }
    public SyNICTimer? Synictimer { get; init; }
    public TLBFlush? Tlbflush { get; init; }
    public FeatureState? Vapic { get; init; }
    public FeatureVendorID? Vendorid { get; init; }
    public FeatureState? Vpindex { get; init; }
}

public sealed record FeatureKVM : ApiObject
{
    public bool? Hidden { get; init; }
}

public sealed record FeatureState : ApiObject
{
    public bool? Enabled { get; init; }
}

public sealed record HyperVPassthrough : ApiObject
{
    public bool? Enabled { get; init; }
}

public sealed record FeatureSpinlocks : ApiObject
{
    public bool? Enabled { get; init; }
    [ApiFormat("int32")]
    public long? Spinlocks { get; init; }
}

public sealed record FeatureVendorID : ApiObject
{
    public bool? Enabled { get; init; }
    public string? Vendorid { get; init; }
}

public sealed record TLBFlush : ApiObject
{
    public FeatureState? Direct { get; init; }
    public bool? Enabled { get; init; }
    public FeatureState? Extended { get; init; }
}
