using Troupe.ControlPlane.Admission;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Subresources;

/// <summary>The objects that a machine or an instance is made of, as a tree: what a backup of it would have to take along.</summary>
internal static class ObjectGraphs
{
    private const string DependencyLabel = "kubevirt.io/dependency-type";
    private const string KubeVirt = "kubevirt.io";
    private const string Instancetypes = "instancetype.kubevirt.io";
    private const string Core = "";

    /// <param name="pod">Name of the launcher's pod, where there is one.</param>
    /// <param name="stateClaim">Name of the claim for TPM and UEFI variables, where there is one.</param>
    public static ObjectGraphNode Of(VirtualMachine machine, string? pod, string? stateClaim)
    {
        var (ns, spec) = (machine.Metadata.Namespace!, machine.Spec?.Template?.Spec ?? new VirtualMachineInstanceSpec());
        var (type, preference) = (machine.Spec?.Instancetype, machine.Spec?.Preference);
        IEnumerable<ObjectGraphNode> children =
        [
            .. machine.Status?.Created is true ? [Node("compute", KubeVirt, "VirtualMachineInstance", machine.Metadata.Name, ns, Pod(pod, ns))] : Array.Empty<ObjectGraphNode>(),
            .. type is null ? [] : Sizing(type.Kind ?? "VirtualMachineClusterInstancetype", type.Name, type.RevisionName, machine.Status?.InstancetypeRef, ns),
            .. preference is null ? [] : Sizing(preference.Kind ?? "VirtualMachineClusterPreference", preference.Name, preference.RevisionName, machine.Status?.PreferenceRef, ns),
            .. OfSpec(spec, ns, stateClaim),
        ];
        return Node("compute", KubeVirt, "VirtualMachine", machine.Metadata.Name, ns, children);
    }

    public static ObjectGraphNode Of(VirtualMachineInstance instance, string? pod, string? stateClaim)
    {
        var ns = instance.Metadata.Namespace!;
        return Node("compute", KubeVirt, "VirtualMachineInstance", instance.Metadata.Name, ns, [.. Pod(pod, ns), .. OfSpec(instance.Spec ?? new VirtualMachineInstanceSpec(), ns, stateClaim)]);
    }

    /// <summary>The root stays in any case; a node that is left out takes its children along.</summary>
    public static ObjectGraphNode Select(ObjectGraphNode root, ObjectGraphOptions options)
    {
        IReadOnlyList<ObjectGraphNode> children = [.. (root.Children ?? []).Where(Wanted).Select(c => Select(c, options))];
        return root with { Children = children.Count == 0 ? null : children };

        bool Wanted(ObjectGraphNode node) => !(node.Optional is true && options.IncludeOptionalNodes is false)
            && (options.LabelSelector is not { } selector || LabelSelectors.ParseError(selector) is not null || LabelSelectors.Matches(selector, node.Labels));
    }

    private static IEnumerable<ObjectGraphNode> Pod(string? name, string ns) => name is null ? [] : [Node("compute", Core, "Pod", name, ns)];

    private static IEnumerable<ObjectGraphNode> Sizing(string kind, string? name, string? revision, InstancetypeStatusRef? used, string ns)
    {
        yield return Node("config", Instancetypes, kind, name, kind.StartsWith("VirtualMachineCluster", StringComparison.OrdinalIgnoreCase) ? "" : ns) with { Optional = true };
        if ((used is null ? revision : used.ControllerRevisionRef?.Name) is { Length: > 0 } kept)
            yield return Node("config", "apps", "ControllerRevision", kept, ns);
    }

    private static IEnumerable<ObjectGraphNode> OfSpec(VirtualMachineInstanceSpec spec, string ns, string? stateClaim) =>
    [
        .. (spec.AccessCredentials ?? []).Select(c => c.SshPublicKey?.Source?.Secret?.SecretName ?? c.UserPassword?.Source?.Secret?.SecretName).OfType<string>().Select(s => Secret(s, ns)),
        .. (spec.Volumes ?? []).SelectMany(v => OfVolume(v, ns)),
        .. stateClaim is null ? Array.Empty<ObjectGraphNode>() : [Claim(stateClaim, ns)],
        .. (spec.Networks ?? []).Select(n => n.Multus?.NetworkName).Where(n => n is { Length: > 0 }).Select(n => Network(n!, ns)),
    ];

    private static IEnumerable<ObjectGraphNode> OfVolume(Volume volume, string ns) => volume switch
    {
        { DataVolume.Name: { } name } => [Node("storage", "cdi.kubevirt.io", "DataVolume", name, ns, [Claim(name, ns)])],
        { PersistentVolumeClaim.ClaimName: { } claim } => [Claim(claim, ns)],
        { ConfigMap.Name: { } map } => [Node("config", Core, "ConfigMap", map, ns)],
        { Secret.SecretName: { } secret } => [Secret(secret, ns)],
        { ServiceAccount.ServiceAccountName: { } account } => [Node("config", Core, "ServiceAccount", account, ns)],
        { CloudInitNoCloud: { } cloud } => Secrets(ns, cloud.SecretRef, cloud.NetworkDataSecretRef),
        { CloudInitConfigDrive: { } drive } => Secrets(ns, drive.SecretRef, drive.NetworkDataSecretRef),
        _ => [],
    };

    private static IEnumerable<ObjectGraphNode> Secrets(string ns, params LocalObjectReference?[] references) => references.Select(r => r?.Name).OfType<string>().Select(n => Secret(n, ns));

    private static ObjectGraphNode Network(string name, string ns) => name.Split('/') is [var other, var own]
        ? Node("network", "k8s.cni.cncf.io", "NetworkAttachmentDefinition", own, other) with { Optional = true }
        : Node("network", "k8s.cni.cncf.io", "NetworkAttachmentDefinition", name, ns) with { Optional = true };

    private static ObjectGraphNode Claim(string name, string ns) => Node("storage", Core, "PersistentVolumeClaim", name, ns);

    private static ObjectGraphNode Secret(string name, string ns) => Node("config", Core, "Secret", name, ns);

    private static ObjectGraphNode Node(string dependency, string group, string kind, string? name, string ns, IEnumerable<ObjectGraphNode>? children = null) => new()
    {
        ObjectReference = new TypedObjectReference { ApiGroup = group, Kind = kind, Name = name, Namespace = ns },
        Labels = new Dictionary<string, string> { [DependencyLabel] = dependency },
        Children = children?.ToList(),
    };
}
