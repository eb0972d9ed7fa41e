using Troupe.DevCluster.Api;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Tables;

namespace Troupe.DevCluster.Resources;

/// <summary>The built-in kinds as data.</summary>
internal static class BuiltinResources
{
    private static readonly string[] EventFields =
    [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
        "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ];

    public static IEnumerable<ResourceDefinition> All() =>
    [
        Of("core.v1.Pod", true, "po", "all") with
        {
            HasStatus = true,
            Strategy = new PodStrategy(),
            ReturnsDeleted = true,
            SelectableFields = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        },
        Of("core.v1.Node", false, "no") with { HasStatus = true, SelectableFields = ["spec.unschedulable"] },
        Of("core.v1.Namespace", false, "ns") with { HasStatus = true, Strategy = new NamespaceStrategy(), Subresources = new Dictionary<string, SubresourceDefinition> { ["finalize"] = new("Namespace", "", "v1", ["update"], null) { SpecField = "finalizers" } }, Verbs = ["create", "delete", "get", "list", "patch", "update", "watch"], ReturnsDeleted = true, SelectableFields = ["status.phase"] },
        Of("core.v1.Service", true, "svc", "all") with { HasStatus = true, Strategy = new ServiceStrategy(), ReturnsDeleted = true, SelectableFields = ["spec.clusterIP", "spec.type"] },
        Of("core.v1.Endpoints", true, "ep"),
        Of("core.v1.ConfigMap", true, "cm") with { Strategy = new ConfigMapStrategy() },
        Of("core.v1.Secret", true) with { Strategy = new SecretStrategy(), SelectableFields = ["type"] },
        Of("core.v1.ServiceAccount", true, "sa") with { ReturnsDeleted = true },
        Of("core.v1.Event", true, "ev") with { SelectableFields = EventFields },
        Of("events.v1.Event", true, "ev") with
        {
            SharedTable = "/events", StorageVersion = "v1", SelectableFields = [.. EventFields, "regarding.kind", "regarding.name", "regarding.namespace", "regarding.uid"],
            FromStorage = EventShapes.FromCore, ToStorage = EventShapes.ToCore,
        },
        Of("core.v1.PersistentVolume", false, "pv") with { HasStatus = true, Strategy = new VolumeStrategy(), ReturnsDeleted = true },
        Of("core.v1.PersistentVolumeClaim", true, "pvc") with { HasStatus = true, Strategy = new ClaimStrategy(), ReturnsDeleted = true },
        Of("core.v1.ResourceQuota", true, "quota") with { HasStatus = true, Strategy = new ResourceQuotaStrategy(), ReturnsDeleted = true },
        Of("core.v1.LimitRange", true, "limits") with { Strategy = new LimitRangeStrategy() },
        Of("core.v1.PodTemplate", true) with { ReturnsDeleted = true },
        Of("apps.v1.Deployment", true, "deploy", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale },
        Of("apps.v1.ReplicaSet", true, "rs", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale, SelectableFields = ["status.replicas"] },
        Of("apps.v1.StatefulSet", true, "sts", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale },
        Of("apps.v1.DaemonSet", true, "ds", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(false) },
        Of("apps.v1.ControllerRevision", true),
        Of("batch.v1.Job", true, "", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new JobStrategy(), DefaultPropagation = "Orphan", SelectableFields = ["status.successful"] },
        Of("batch.v1.CronJob", true, "cj", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new CronJobStrategy() },
        Of("coordination.v1.Lease", true) with { Strategy = new LeaseStrategy() },
        Of("discovery.v1.EndpointSlice", true) with { TracksGeneration = true },
        Of("networking.v1.NetworkPolicy", true, "netpol") with { TracksGeneration = true },
        Of("networking.v1.Ingress", true, "ing") with { HasStatus = true, TracksGeneration = true },
        Of("networking.v1.IngressClass", false) with { TracksGeneration = true },
        Of("policy.v1.PodDisruptionBudget", true, "pdb") with { HasStatus = true, TracksGeneration = true },
        Of("rbac.v1.Role", true) with { Strategy = new RoleStrategy(namespaced: true) },
        Of("rbac.v1.ClusterRole", false) with { Strategy = new RoleStrategy(namespaced: false) },
        Of("rbac.v1.RoleBinding", true) with { Strategy = new RoleBindingStrategy(namespaced: true) },
        Of("rbac.v1.ClusterRoleBinding", false) with { Strategy = new RoleBindingStrategy(namespaced: false) },
        Of("storage.v1.StorageClass", false, "sc") with { Strategy = new StorageClassStrategy(), ReturnsDeleted = true },
        Of("storage.v1.VolumeAttachment", false) with { HasStatus = true, ReturnsDeleted = true },
        Of("storage.v1.CSIDriver", false) with { ReturnsDeleted = true },
        Of("storage.v1.CSINode", false) with { ReturnsDeleted = true },
        Of("scheduling.v1.PriorityClass", false, "pc") with { TracksGeneration = true },
        Of("node.v1.RuntimeClass", false),
        Of("admissionregistration.v1.ValidatingWebhookConfiguration", false, "", "api-extensions") with { TracksGeneration = true, Strategy = new WebhookConfigurationStrategy(mutating: false) },
        Of("admissionregistration.v1.MutatingWebhookConfiguration", false, "", "api-extensions") with { TracksGeneration = true, Strategy = new WebhookConfigurationStrategy(mutating: true) },
        Of("apiextensions.v1.CustomResourceDefinition", false, "crd,crds", "api-extensions") with { HasStatus = true, TracksGeneration = true, Strategy = new CrdStrategy(), ReturnsDeleted = true },
        Of("apiregistration.v1.APIService", false, "", "api-extensions") with { HasStatus = true, Strategy = new ApiServiceStrategy() },
        Of("certificates.v1.CertificateSigningRequest", false, "csr") with { HasStatus = true, SelectableFields = ["spec.signerName"] },
        Of("autoscaling.v2.HorizontalPodAutoscaler", true, "hpa", "all") with { HasStatus = true },
    ];

    private static readonly ScaleDefinition WorkloadScale = new(".spec.replicas", ".status.replicas", ".spec.selector");

    /// <summary>A kind by its type, as core.v1.Pod; its path is the kind's plural as Kubernetes guesses it.</summary>
    public static ResourceDefinition Of(string type, bool namespaced, string shortNames = "", string categories = "")
    {
        var parts = type.Split('.');
        var kind = parts[2];
        var key = new ResourceKey(Group(parts[0]), parts[1], Plural(kind.ToLowerInvariant()));
        return new ResourceDefinition
        {
            Key = key,
            Kind = kind,
            Namespaced = namespaced,
            ShortNames = shortNames.Split(',', StringSplitOptions.RemoveEmptyEntries),
            Categories = categories.Split(',', StringSplitOptions.RemoveEmptyEntries),
            Schema = new Lazy<Schema>(() => BuiltinSchemas.For(type)),
            Columns = BuiltinColumns.For(key.Plural),
        };
    }

    private static string Group(string package) => package switch
    {
        "core" => "",
        "apps" or "autoscaling" or "batch" or "policy" => package,
        "rbac" => "rbac.authorization.k8s.io",
        _ => package + ".k8s.io",
    };

    private static string Plural(string singular) => singular switch
    {
        "endpoints" => singular,
        [.. var stem, 'y'] => stem + "ies",
        [.., 's'] => singular + "es",
        _ => singular + "s",
    };
}
