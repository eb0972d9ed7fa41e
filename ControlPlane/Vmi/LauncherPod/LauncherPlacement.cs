using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The nodes that can run a guest: labels that the node agents set.</summary>
internal static class LauncherPlacement
{
    private const string CpuManager = "kubevirt.io/cpumanager";

    public static Dictionary<string, string> NodeSelector(VirtualMachineInstanceSpec spec)
    {
        var domain = spec.Domain!;
        var selector = new Dictionary<string, string>(spec.NodeSelector ?? new Dictionary<string, string>())
        {
            [Labels.Schedulable] = "true",
            [Labels.Arch] = spec.Architecture ?? "amd64",
            [Labels.MachineTypePrefix + domain.Machine!.Type] = "true",
        };
        if (domain.Cpu?.Model is { Length: > 0 } model and not ("host-model" or "host-passthrough"))
            selector[Labels.CpuModelPrefix + model] = "true";
        foreach (var feature in (domain.Cpu?.Features ?? []).Where(f => f.Policy is null or "" or "require"))
            selector[Labels.CpuFeaturePrefix + feature.Name] = "true";
        if (domain.Cpu?.DedicatedCpuPlacement is true)
            selector[CpuManager] = "true";
        if (domain.Cpu?.Realtime is not null)
            selector["kubevirt.io/realtime"] = "";
        if (domain.LaunchSecurity is { } security)
            AddLaunchSecurity(security, spec.Architecture, selector);
        return selector;
    }

    /// <summary>A host whose CPU model is about to be dropped takes no new guests.</summary>
    public static Affinity NotOnObsoleteModels(Affinity? affinity)
    {
        var requirement = new NodeSelectorRequirement { Key = Labels.ObsoleteHostModel, Operator = "DoesNotExist" };
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
        else if (security.Snp is not null)
            selector["kubevirt.io/sev-snp"] = "";
        else if (security.Tdx is not null)
            selector["kubevirt.io/tdx"] = "true";
        else if (security.Sev?.Policy?.EncryptedState is true)
            selector["kubevirt.io/sev-es"] = "";
        else if (security.Sev is not null)
            selector["kubevirt.io/sev"] = "";
    }
}
