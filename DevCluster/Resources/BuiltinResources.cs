using System.Reflection;
using k8s.Models;
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
        Of<V1Pod>(true, "po", "all") with
        {
            HasStatus = true,
            Strategy = new PodStrategy(),
            ReturnsDeleted = true,
            SelectableFields = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        },
        Of<V1Node>(false, "no") with { HasStatus = true, SelectableFields = ["spec.unschedulable"] },
        Of<V1Namespace>(false, "ns") with { HasStatus = true, Strategy = new NamespaceStrategy(), Subresources = new Dictionary<string, SubresourceDefinition> { ["finalize"] = new("Namespace", "", "v1", ["update"], null) { SpecField = "finalizers" } }, Verbs = ["create", "delete", "get", "list", "patch", "update", "watch"], ReturnsDeleted = true, SelectableFields = ["status.phase"] },
        Of<V1Service>(true, "svc", "all") with { HasStatus = true, Strategy = new ServiceStrategy(), ReturnsDeleted = true, SelectableFields = ["spec.clusterIP", "spec.type"] },
        Of<V1Endpoints>(true, "ep") with { Kind = "Endpoints", Singular = "endpoints" },
        Of<V1ConfigMap>(true, "cm") with { Strategy = new ConfigMapStrategy() },
        Of<V1Secret>(true) with { Strategy = new SecretStrategy(), SelectableFields = ["type"] },
        Of<V1ServiceAccount>(true, "sa") with { ReturnsDeleted = true },
        Of<Corev1Event>(true, "ev") with { SelectableFields = EventFields },
        Of<Eventsv1Event>(true, "ev") with
        {
            SharedTable = "/events", StorageVersion = "v1", SelectableFields = [.. EventFields, "regarding.kind", "regarding.name", "regarding.namespace", "regarding.uid"],
            FromStorage = EventShapes.FromCore, ToStorage = EventShapes.ToCore,
        },
        Of<V1PersistentVolume>(false, "pv") with { HasStatus = true, Strategy = new VolumeStrategy(), ReturnsDeleted = true },
        Of<V1PersistentVolumeClaim>(true, "pvc") with { HasStatus = true, Strategy = new ClaimStrategy(), ReturnsDeleted = true },
        Of<V1ResourceQuota>(true, "quota") with { HasStatus = true, Strategy = new ResourceQuotaStrategy(), ReturnsDeleted = true },
        Of<V1LimitRange>(true, "limits") with { Strategy = new LimitRangeStrategy() },
        Of<V1PodTemplate>(true) with { ReturnsDeleted = true },
        Of<V1Deployment>(true, "deploy", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale },
        Of<V1ReplicaSet>(true, "rs", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale, SelectableFields = ["status.replicas"] },
        Of<V1StatefulSet>(true, "sts", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(true), Scale = WorkloadScale },
        Of<V1DaemonSet>(true, "ds", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new WorkloadStrategy(false) },
        Of<V1ControllerRevision>(true),
        Of<V1Job>(true, "", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new JobStrategy(), DefaultPropagation = "Orphan", SelectableFields = ["status.successful"] },
        Of<V1CronJob>(true, "cj", "all") with { HasStatus = true, TracksGeneration = true, Strategy = new CronJobStrategy() },
        Of<V1Lease>(true) with { Strategy = new LeaseStrategy() },
        Of<V1EndpointSlice>(true) with { TracksGeneration = true },
        Of<V1NetworkPolicy>(true, "netpol") with { TracksGeneration = true },
        Of<V1Ingress>(true, "ing") with { HasStatus = true, TracksGeneration = true },
        Of<V1IngressClass>(false) with { TracksGeneration = true },
        Of<V1PodDisruptionBudget>(true, "pdb") with { HasStatus = true, TracksGeneration = true },
        Of<V1Role>(true) with { Strategy = new RoleStrategy(namespaced: true) },
        Of<V1ClusterRole>(false) with { Strategy = new RoleStrategy(namespaced: false) },
        Of<V1RoleBinding>(true) with { Strategy = new RoleBindingStrategy(namespaced: true) },
        Of<V1ClusterRoleBinding>(false) with { Strategy = new RoleBindingStrategy(namespaced: false) },
        Of<V1StorageClass>(false, "sc") with { Strategy = new StorageClassStrategy(), ReturnsDeleted = true },
        Of<V1VolumeAttachment>(false) with { HasStatus = true, ReturnsDeleted = true },
        Of<V1CSIDriver>(false) with { ReturnsDeleted = true },
        Of<V1CSINode>(false) with { ReturnsDeleted = true },
        Of<V1PriorityClass>(false, "pc") with { TracksGeneration = true },
        Of<V1RuntimeClass>(false),
        Of<V1ValidatingWebhookConfiguration>(false, "", "api-extensions") with { TracksGeneration = true, Strategy = new WebhookConfigurationStrategy(mutating: false) },
        Of<V1MutatingWebhookConfiguration>(false, "", "api-extensions") with { TracksGeneration = true, Strategy = new WebhookConfigurationStrategy(mutating: true) },
        Of<V1CustomResourceDefinition>(false, "crd,crds", "api-extensions") with { HasStatus = true, TracksGeneration = true, Strategy = new CrdStrategy(), ReturnsDeleted = true },
        Of<V1APIService>(false, "", "api-extensions") with { HasStatus = true, Strategy = new ApiServiceStrategy() },
        Of<V1CertificateSigningRequest>(false, "csr") with { HasStatus = true, SelectableFields = ["spec.signerName"] },
        Of<V2HorizontalPodAutoscaler>(true, "hpa", "all") with { HasStatus = true },
    ];

    private static readonly ScaleDefinition WorkloadScale = new(".spec.replicas", ".status.replicas", ".spec.selector");

    private static ResourceDefinition Of<T>(bool namespaced, string shortNames = "", string categories = "")
    {
        var entity = typeof(T).GetCustomAttribute<KubernetesEntityAttribute>()!;
        var key = new ResourceKey(entity.Group, entity.ApiVersion, entity.PluralName);
        return new ResourceDefinition
        {
            Key = key,
            Kind = entity.Kind,
            Namespaced = namespaced,
            ShortNames = shortNames.Split(',', StringSplitOptions.RemoveEmptyEntries),
            Categories = categories.Split(',', StringSplitOptions.RemoveEmptyEntries),
            Schema = new Lazy<Schema>(() => BuiltinSchemas.For(typeof(T))),
            Columns = BuiltinColumns.For(key.Plural),
        };
    }
}
