using System.Globalization;
using Troupe.ControlPlane.Admission;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;

namespace Troupe.ControlPlane.Machines.Pools;

/// <summary>Which of a pool's machines come first when some are to be deleted or restarted.</summary>
public static class PoolSelection
{
    /// <param name="seed">What the order of the policy `Random` comes from.</param>
    public static IReadOnlyList<VirtualMachine> Order(IEnumerable<VirtualMachine> machines, VirtualMachinePoolSelectionPolicy? policy, int seed)
    {
        var eligible = machines.Where(m => Matches(m, policy?.Selectors));
        return
        [
            .. policy?.SortPolicy switch
            {
                "AscendingOrder" => eligible.OrderBy(m => Index(m.Metadata.Name!) ?? 0),
                "DescendingOrder" => eligible.OrderByDescending(m => Index(m.Metadata.Name!) ?? 0),
                "Newest" => eligible.OrderByDescending(m => m.Metadata.CreationTimestamp),
                "Oldest" => eligible.OrderBy(m => m.Metadata.CreationTimestamp),
                _ => eligible.OrderBy(m => HashCode.Combine(seed, m.Metadata.Uid)),
            },
        ];
    }

    /// <summary>The number at the end of a machine's name; null when it has none.</summary>
    public static int? Index(string name) => int.TryParse(name[(name.LastIndexOf('-') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    private static bool Matches(VirtualMachine machine, VirtualMachinePoolSelectors? selectors) =>
        (selectors?.LabelSelector is not { } labels || LabelSelectors.Matches(labels, machine.Spec?.Template?.Metadata?.Labels))
        && (selectors?.NodeSelectorRequirementMatcher ?? []).All(r => Matches(r, machine.Spec?.Template?.Spec?.NodeSelector ?? new Dictionary<string, string>()));

    /// <summary>Asked of the node selector in the machine's template.</summary>
    private static bool Matches(NodeSelectorRequirement requirement, IReadOnlyDictionary<string, string> selector) => requirement.Operator switch
    {
        "Gt" => Number(selector.GetValueOrDefault(requirement.Key!)) > Number(requirement.Values is [var bound, ..] ? bound : null),
        "Lt" => Number(selector.GetValueOrDefault(requirement.Key!)) < Number(requirement.Values is [var limit, ..] ? limit : null),
        _ => LabelSelectors.Matches(new LabelSelector
        {
            MatchExpressions = [new LabelSelectorRequirement { Key = requirement.Key, Operator = requirement.Operator, Values = requirement.Values }],
        }, selector),
    };

    /// <summary>Null compares as neither more nor less.</summary>
    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
