using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The nodes that can run a guest: labels that the node agents set.</summary>
internal static class LauncherPlacement
{
    private const string CpuManager = "kubevirt.io/cpumanager";

    /// <summary>What the VMI says itself goes before what the cluster says for all.</summary>
    public static Dictionary<string, string> NodeSelector(VirtualMachineInstance vmi, GuestSettings settings)
    {
        var (spec, domain) = (vmi.Spec!, vmi.Spec!.Domain!);
        var selector = new Dictionary<string, string> { [Labels.Schedulable] = "true", [Labels.Arch] = spec.Architecture ?? "amd64" };
        foreach (var (label, value) in settings.NodeSelectors.Concat(spec.NodeSelector ?? new Dictionary<string, string>()))
            selector[label] = value;
        // A guest that moves has a machine type already.
        selector[Labels.MachineTypePrefix + (vmi.Status?.Machine?.Type is { Length: > 0 } given ? given : domain.Machine!.Type)] = "true";
        if (domain.Cpu?.Model is { Length: > 0 } model and not ("host-model" or "host-passthrough"))
            selector[Labels.CpuModelPrefix + model] = "true";
        foreach (var feature in (domain.Cpu?.Features ?? []).Where(f => f.Policy is null or "" or "require"))
            selector[Labels.CpuFeaturePrefix + feature.Name] = "true";
        if (domain.Cpu?.DedicatedCpuPlacement is true)
            selector[CpuManager] = "true";
        if (domain.Cpu?.Realtime is not null)
            selector["kubevirt.io/realtime"] = "true";
        if (domain.LaunchSecurity is { } security)
            AddLaunchSecurity(security, spec.Architecture, selector);
        return selector;
    }

    /// <summary>A host whose CPU model is about to be dropped takes no new guests of its model; one with a feature that is forbidden takes none of those.</summary>
    public static Affinity? Affinity(VirtualMachineInstanceSpec spec)
    {
        var cpu = spec.Domain?.Cpu;
        var rejected = (cpu?.Features ?? []).Where(f => f.Policy is "forbid").Select(f => Labels.CpuFeaturePrefix + f.Name);
        return (cpu?.Model is null or "" or "host-model" ? rejected.Prepend(Labels.ObsoleteHostModel) : rejected).Aggregate(spec.Affinity, NotOn);
    }

    private static Affinity NotOn(Affinity? affinity, string label)
    {
        var requirement = new NodeSelectorRequirement { Key = label, Operator = "DoesNotExist" };
        var required = affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
        IReadOnlyList<NodeSelectorTerm> terms = required?.NodeSelectorTerms is { Count: > 0 } own
            ? [.. own.Select(t => t with { MatchExpressions = [.. t.MatchExpressions ?? [], requirement] })]
            : [new NodeSelectorTerm { MatchExpressions = [requirement] }];
        return (affinity ?? new Affinity()) with
        {
            NodeAffinity = (affinity?.NodeAffinity ?? new NodeAffinity()) with { RequiredDuringSchedulingIgnoredDuringExecution = new NodeSelector { NodeSelectorTerms = terms } },
        };
    }

    private static void AddLaunchSecurity(LaunchSecurity security, string? architecture, Dictionary<string, string> selector)
    {
        if (architecture == "s390x")
            selector["kubevirt.io/s390-pv"] = "true";
        // Each kind builds on the one before.
        if ((security.Sev ?? (object?)security.Snp) is not null)
            selector["kubevirt.io/sev"] = "true";
        if (security.Sev?.Policy?.EncryptedState is true)
            selector["kubevirt.io/sev-es"] = "true";
        if (security.Snp is not null)
            selector["kubevirt.io/sev-snp"] = "true";
        if (security.Tdx is not null)
            selector["kubevirt.io/tdx"] = "true";
    }
}
