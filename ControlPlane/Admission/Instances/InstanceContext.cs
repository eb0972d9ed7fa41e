using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>A rule looks at one part of a VMI spec and says what is wrong with it.</summary>
internal delegate IEnumerable<StatusCause> InstanceRule(InstanceContext c);

/// <summary>A VMI spec under examination: of a VMI itself, or the template of something that makes VMIs.</summary>
/// <param name="Path">Where the spec stands in its object: <c>spec</c> or <c>spec.template.spec</c>.</param>
internal sealed record InstanceContext(FieldPath Path, VirtualMachineInstanceSpec Spec, ClusterConfig Config)
{
    public FieldPath DomainPath { get; } = Path["domain"];
    public FieldPath DevicesPath { get; } = Path.At("domain", "devices");

    public DomainSpec Domain { get; } = Spec.Domain ?? new DomainSpec();
    public Devices Devices { get; } = Spec.Domain?.Devices ?? new Devices();
    public IReadOnlyList<Disk> Disks { get; } = Spec.Domain?.Devices?.Disks ?? [];
    public IReadOnlyList<Filesystem> Filesystems { get; } = Spec.Domain?.Devices?.Filesystems ?? [];
    public IReadOnlyList<Interface> Interfaces { get; } = Spec.Domain?.Devices?.Interfaces ?? [];
    public IReadOnlyList<Network> Networks { get; } = Spec.Networks ?? [];
    public IReadOnlyList<Volume> Volumes { get; } = Spec.Volumes ?? [];

    public Quantity Request(string resource) => Quantities.Entry(Domain.Resources?.Requests, resource);
    public Quantity Limit(string resource) => Quantities.Entry(Domain.Resources?.Limits, resource);

    public FieldPath RequestPath(string resource) => DomainPath.At("resources", "requests", resource);
    public FieldPath LimitPath(string resource) => DomainPath.At("resources", "limits", resource);

    /// <summary>The spec's own architecture, or the cluster's.</summary>
    public string Architecture => Spec.Architecture is { Length: > 0 } own ? own : Config.DefaultArchitecture;

    public bool IsEnabled(string gate) => Config.IsEnabled(gate);
}

internal static class SpecExtensions
{
    /// <summary>On, or there without saying off: how KubeVirt reads a feature's struct.</summary>
    public static bool IsOn(this FeatureState? state) => state is not null && state.Enabled is not false;

    /// <summary>An absent string and an empty one mean the same.</summary>
    public static string OrEmpty(this string? text) => text ?? "";
}
