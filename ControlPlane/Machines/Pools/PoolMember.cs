using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>One machine of a pool: the pool's template with the machine's number in the names of what is its own.</summary>
public static class PoolMember
{
    public static string Name(VirtualMachinePool pool, int index) => string.Create(CultureInfo.InvariantCulture, $"{pool.Metadata.Name}-{index}");

    public static string Revision(VirtualMachinePool pool) => string.Create(CultureInfo.InvariantCulture, $"{pool.Metadata.Name}-{pool.Metadata.Generation ?? 0}");

    public static VirtualMachine Make(VirtualMachinePool pool, int index)
    {
        var template = pool.Spec?.VirtualMachineTemplate;
        var spec = Indexed(template?.Spec ?? new VirtualMachineSpec(), pool.Spec?.NameGeneration, index);
        var instance = spec.Template ?? new VirtualMachineInstanceTemplateSpec();
        return new VirtualMachine
        {
            ApiVersion = "kubevirt.io/v1",
            Kind = "VirtualMachine",
            Metadata = new ObjectMeta
            {
                Name = Name(pool, index),
                Namespace = pool.Metadata.Namespace,
                Labels = WithRevision(template?.Metadata?.Labels, pool),
                Annotations = template?.Metadata?.Annotations,
                OwnerReferences = [Owner(pool)],
                Finalizers = PoolHold.IsWanted(pool) ? [PoolVocabulary.Finalizer] : null,
            },
            Spec = spec with { Template = instance with { Metadata = (instance.Metadata ?? new ObjectMeta()) with { Labels = WithRevision(instance.Metadata?.Labels, pool) } } },
        };
    }

    /// <summary>The merge patch that brings a machine to the pool's present template; who the machine is to its guest stays.</summary>
    public static JsonObject Update(VirtualMachinePool pool, VirtualMachine machine, int index)
    {
        var wanted = KeepIdentity(machine, Make(pool, index));
        var patch = MergePatch.Between(Json(machine), Json(wanted)) ?? [];
        var metadata = patch["metadata"] as JsonObject ?? [];
        metadata["resourceVersion"] = machine.Metadata.ResourceVersion;
        patch["metadata"] = metadata;
        return patch;
    }

    public static OwnerReference Owner(VirtualMachinePool pool) => new()
    {
        ApiVersion = PoolVocabulary.ApiVersion,
        Kind = PoolVocabulary.Kind,
        Name = pool.Metadata.Name,
        Uid = pool.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };

    public static ControllerRevision MakeRevision(VirtualMachinePool pool) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "ControllerRevision",
        Metadata = new ObjectMeta
        {
            Name = Revision(pool),
            Namespace = pool.Metadata.Namespace,
            Labels = new Dictionary<string, string> { [Labels.CreatedBy] = pool.Metadata.Uid! },
            OwnerReferences = [Owner(pool)],
        },
        Data = JsonSerializer.SerializeToElement(pool.Spec!, ApiJson.Default.VirtualMachinePoolSpec),
        Revision = pool.Metadata.Generation,
    };

    private static Dictionary<string, string> WithRevision(IReadOnlyDictionary<string, string>? labels, VirtualMachinePool pool) =>
        new(labels ?? new Dictionary<string, string>()) { [PoolVocabulary.RevisionLabel] = Revision(pool) };

    /// <summary>Firmware's identity and the PCI layout were chosen when the machine was made.</summary>
    private static VirtualMachine KeepIdentity(VirtualMachine machine, VirtualMachine wanted)
    {
        var (old, next) = (machine.Spec?.Template, wanted.Spec!.Template!);
        var domain = next.Spec?.Domain ?? new DomainSpec();
        if (old?.Spec?.Domain?.Firmware is { } firmware)
        {
            domain = domain with
            {
                Firmware = (domain.Firmware ?? new Firmware()) with { Uuid = firmware.Uuid ?? domain.Firmware?.Uuid, Serial = firmware.Serial ?? domain.Firmware?.Serial },
            };
        }

        var annotations = new Dictionary<string, string>(next.Metadata?.Annotations ?? new Dictionary<string, string>());
        if (old?.Metadata?.Annotations?.TryGetValue(Annotations.PciTopologyVersion, out var topology) is true)
            annotations.TryAdd(Annotations.PciTopologyVersion, topology);
        return wanted with
        {
            Spec = wanted.Spec with
            {
                Template = next with
                {
                    Metadata = next.Metadata! with { Annotations = annotations.Count == 0 ? null : annotations },
                    Spec = (next.Spec ?? new VirtualMachineInstanceSpec()) with { Domain = domain },
                },
            },
        };
    }

    private static VirtualMachineSpec Indexed(VirtualMachineSpec spec, VirtualMachinePoolNameGeneration? naming, int index)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $"-{index}");
        var own = (spec.DataVolumeTemplates ?? []).Select(t => t.Metadata?.Name).OfType<string>().ToHashSet();
        return spec with
        {
            DataVolumeTemplates = spec.DataVolumeTemplates?.Select(t => t with { Metadata = (t.Metadata ?? new ObjectMeta()) with { Name = t.Metadata?.Name + suffix } }).ToList(),
            Template = spec.Template is not { Spec: { } instance } template ? spec.Template : template with
            {
                Spec = instance with { Volumes = instance.Volumes?.Select(v => Indexed(v, own, naming, suffix)).ToList() },
            },
        };
    }

    private static Volume Indexed(Volume volume, HashSet<string> own, VirtualMachinePoolNameGeneration? naming, string suffix)
    {
        var (maps, secrets) = (naming?.AppendIndexToConfigMapRefs is true, naming?.AppendIndexToSecretRefs is true);
        return volume switch
        {
            { PersistentVolumeClaim: { ClaimName: { } name } claim } when own.Contains(name) => volume with { PersistentVolumeClaim = claim with { ClaimName = name + suffix } },
            { DataVolume: { Name: { } name } data } when own.Contains(name) => volume with { DataVolume = data with { Name = name + suffix } },
            { ConfigMap: { } map } when maps => volume with { ConfigMap = map with { Name = map.Name + suffix } },
            { Secret: { } secret } when secrets => volume with { Secret = secret with { SecretName = secret.SecretName + suffix } },
            { CloudInitNoCloud: { } seed } when secrets => volume with { CloudInitNoCloud = seed with { SecretRef = Add(seed.SecretRef), NetworkDataSecretRef = Add(seed.NetworkDataSecretRef) } },
            { CloudInitConfigDrive: { } seed } when secrets => volume with { CloudInitConfigDrive = seed with { SecretRef = Add(seed.SecretRef), NetworkDataSecretRef = Add(seed.NetworkDataSecretRef) } },
            { Sysprep: { } sysprep } => volume with { Sysprep = sysprep with { Secret = secrets ? Add(sysprep.Secret) : sysprep.Secret, ConfigMap = maps ? Add(sysprep.ConfigMap) : sysprep.ConfigMap } },
            _ => volume,
        };

        LocalObjectReference? Add(LocalObjectReference? reference) => reference is null ? null : reference with { Name = reference.Name + suffix };
    }

    /// <summary>What of a machine the pool decides on.</summary>
    private static JsonObject Json(VirtualMachine machine) => JsonSerializer.SerializeToNode(
        new VirtualMachine { Metadata = new ObjectMeta { Labels = machine.Metadata.Labels, Annotations = machine.Metadata.Annotations }, Spec = machine.Spec },
        ApiJson.Default.VirtualMachine)!.AsObject();
}
