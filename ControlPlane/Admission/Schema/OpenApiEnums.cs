namespace Troupe.ControlPlane.Admission.Schema;

/// <summary>Enumerations of KubeVirt's published OpenAPI document that its CRDs do not carry: most are those of Kubernetes' own types.</summary>
internal static class OpenApiEnums
{
    private static readonly string[] AccessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    private static readonly string[] PullPolicies = ["Always", "IfNotPresent", "Never"];
    private static readonly string[] VolumeModes = ["Block", "Filesystem", "FromStorageProfile"];
    private static readonly string[] InclusionPolicies = ["Honor", "Ignore"];

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["NodeSelectorRequirement.operator"] = ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"],
        ["VirtualMachineInstanceSpec.dnsPolicy"] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        ["KernelBootContainer.imagePullPolicy"] = PullPolicies,
        ["ContainerDiskSource.imagePullPolicy"] = PullPolicies,
        ["HTTPGetAction.scheme"] = ["HTTP", "HTTPS"],
        ["Toleration.effect"] = ["NoExecute", "NoSchedule", "PreferNoSchedule"],
        ["Toleration.operator"] = ["Equal", "Exists"],
        ["TopologySpreadConstraint.nodeAffinityPolicy"] = InclusionPolicies,
        ["TopologySpreadConstraint.nodeTaintsPolicy"] = InclusionPolicies,
        ["TopologySpreadConstraint.whenUnsatisfiable"] = ["DoNotSchedule", "ScheduleAnyway"],
        ["PersistentVolumeClaimSpec.accessModes"] = AccessModes,
        ["PersistentVolumeClaimSpec.volumeMode"] = VolumeModes,
        ["StorageSpec.accessModes"] = AccessModes,
        ["StorageSpec.volumeMode"] = VolumeModes,
    };

    public static IReadOnlyList<string> Of(string declaringType, string property) => Allowed.GetValueOrDefault($"{declaringType}.{property}") ?? [];
}
