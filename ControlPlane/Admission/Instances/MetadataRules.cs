using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Labels that only the system may set, and annotations that stand behind a gate.</summary>
internal static class MetadataRules
{
    public const string HookSidecars = "hooks.kubevirt.io/hookSidecars";
    public const string Ignition = "kubevirt.io/ignitiondata";

    private static readonly HashSet<string> ReservedLabels =
    [
        "kubevirt.io/created-by", "kubevirt.io/migrationJobUID", "kubevirt.io/nodeName", "kubevirt.io/migrationTargetNodeName", "kubevirt.io/schedulable",
        "kubevirt.io/install-strategy",
    ];

    /// <summary>The labels of an object that users may neither give nor change.</summary>
    public static Dictionary<string, string> Reserved(IReadOnlyDictionary<string, string>? labels) =>
        (labels ?? new Dictionary<string, string>()).Where(l => ReservedLabels.Contains(l.Key)).ToDictionary();

    /// <param name="bySystem">The request comes from one of the control plane's own accounts.</param>
    public static IEnumerable<StatusCause> All(FieldPath field, ObjectMeta? metadata, ClusterConfig config, bool bySystem)
    {
        var annotations = field["annotations"];
        if (!bySystem && Reserved(metadata?.Labels).Count > 0)
            yield return Cause.NotSupported(field["labels"], "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited");
        if (Has(metadata, Ignition) && !config.IsEnabled(FeatureGates.ExperimentalIgnitionSupport))
            yield return Cause.Invalid(annotations, $"ExperimentalIgnitionSupport feature gate is not enabled in kubevirt-config, invalid entry {annotations[Ignition]}");
        if (Has(metadata, HookSidecars) && !config.IsEnabled(FeatureGates.Sidecar))
            yield return Cause.Invalid(annotations, $"sidecar feature gate is not enabled in kubevirt-config, invalid entry {annotations[HookSidecars]}");
    }

    private static bool Has(ObjectMeta? metadata, string annotation) =>
        metadata?.Annotations is { } annotations && annotations.TryGetValue(annotation, out var value) && value.Length > 0;
}
