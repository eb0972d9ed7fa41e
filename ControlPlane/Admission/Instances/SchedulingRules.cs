using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Affinity and topology spread: Kubernetes' rules for pods, said at once and not first by the launcher pod.</summary>
internal static class SchedulingRules
{
    public static IEnumerable<StatusCause> Affinity(InstanceContext c)
    {
        if (c.Spec.Affinity is not { } affinity)
            return [];
        // KubeVirt leaves out the step "affinity".
        return
        [
            .. NodeAffinity(c.Path["nodeAffinity"], affinity.NodeAffinity),
            .. PodAffinity(c.Path["podAffinity"], affinity.PodAffinity?.RequiredDuringSchedulingIgnoredDuringExecution, affinity.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution),
            .. PodAffinity(c.Path["podAntiAffinity"], affinity.PodAntiAffinity?.RequiredDuringSchedulingIgnoredDuringExecution,
                affinity.PodAntiAffinity?.PreferredDuringSchedulingIgnoredDuringExecution),
        ];
    }

    public static IEnumerable<StatusCause> TopologySpread(InstanceContext c)
    {
        var constraints = c.Spec.TopologySpreadConstraints ?? [];
        var list = c.Path["topologySpreadConstraints"];
        foreach (var (index, constraint) in constraints.Index())
        {
            var field = list[index];
            if (constraint.MaxSkew is null or <= 0)
                yield return FieldErrors.Invalid(field["maxSkew"], constraint.MaxSkew ?? 0, "must be greater than zero");
            foreach (var cause in TopologyKey(field["topologyKey"], constraint.TopologyKey, nameTooWhenMissing: false))
                yield return cause;
            if (constraint.WhenUnsatisfiable is not ("DoNotSchedule" or "ScheduleAnyway"))
                yield return FieldErrors.NotSupported(field["whenUnsatisfiable"], constraint.WhenUnsatisfiable.OrEmpty(), "DoNotSchedule", "ScheduleAnyway");
            foreach (var cause in LabelSelectors.Problems(list["labelSelector"], constraint.LabelSelector))
                yield return cause;
            if (constraints.Skip(index + 1).Any(o => o.TopologyKey == constraint.TopologyKey && o.WhenUnsatisfiable == constraint.WhenUnsatisfiable))
                yield return FieldErrors.Duplicate(field["{topologyKey, whenUnsatisfiable}"], $"{{{constraint.TopologyKey}, {constraint.WhenUnsatisfiable}}}");
        }
    }

    private static IEnumerable<StatusCause> NodeAffinity(FieldPath field, NodeAffinity? affinity)
    {
        if (affinity?.RequiredDuringSchedulingIgnoredDuringExecution is { } required)
        {
            var terms = field.At("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
            if (required.NodeSelectorTerms is not { Count: > 0 })
                yield return FieldErrors.Required(terms, "must have at least one node selector term");
            foreach (var cause in (required.NodeSelectorTerms ?? []).Index().SelectMany(t => Term(terms[t.Index], t.Item)))
                yield return cause;
        }

        var preferred = field["preferredDuringSchedulingIgnoredDuringExecution"];
        foreach (var (index, term) in (affinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Index())
        {
            foreach (var cause in Weight(preferred[index], term.Weight).Concat(Term(preferred[index]["preference"], term.Preference ?? new NodeSelectorTerm())))
                yield return cause;
        }
    }

    private static IEnumerable<StatusCause> PodAffinity(FieldPath field, IReadOnlyList<PodAffinityTerm>? required, IReadOnlyList<WeightedPodAffinityTerm>? preferred) =>
    [
        .. (required ?? []).Index().SelectMany(t => PodTerm(field["requiredDuringSchedulingIgnoredDuringExecution"][t.Index], t.Item)),
        .. (preferred ?? []).Index().SelectMany(t => Weight(field["preferredDuringSchedulingIgnoredDuringExecution"][t.Index], t.Item.Weight)
            .Concat(PodTerm(field["preferredDuringSchedulingIgnoredDuringExecution"][t.Index]["podAffinityTerm"], t.Item.PodAffinityTerm ?? new PodAffinityTerm()))),
    ];

    private static IEnumerable<StatusCause> Weight(FieldPath field, int? weight)
    {
        if (weight is null or <= 0 or > 100)
            yield return FieldErrors.Invalid(field["weight"], weight ?? 0, "must be in the range 1-100");
    }

    private static IEnumerable<StatusCause> PodTerm(FieldPath field, PodAffinityTerm term) =>
    [
        .. LabelSelectors.Problems(field["labelSelector"], term.LabelSelector), .. LabelSelectors.Problems(field["namespaceSelector"], term.NamespaceSelector),
        .. (term.Namespaces ?? []).SelectMany(ns => Names.DnsLabelProblems(ns).Select(p => FieldErrors.Invalid(field["namespace"], ns, p))),
        .. TopologyKey(field["topologyKey"], term.TopologyKey, nameTooWhenMissing: true),
    ];

    private static IEnumerable<StatusCause> TopologyKey(FieldPath field, string? key, bool nameTooWhenMissing)
    {
        if (key is null or "")
            yield return FieldErrors.Required(field, "can not be empty");
        if (key is null or "" && !nameTooWhenMissing)
            yield break;
        foreach (var problem in Names.QualifiedNameProblems(key.OrEmpty()))
            yield return FieldErrors.Invalid(field, key.OrEmpty(), problem);
    }

    private static IEnumerable<StatusCause> Term(FieldPath field, NodeSelectorTerm term) =>
    [
        .. (term.MatchExpressions ?? []).Index().SelectMany(r => Expression(field["matchExpressions"][r.Index], r.Item)),
        .. (term.MatchFields ?? []).Index().SelectMany(r => MatchField(field["matchFields"][r.Index], r.Item)),
    ];

    private static IEnumerable<StatusCause> Expression(FieldPath field, NodeSelectorRequirement requirement)
    {
        var values = requirement.Values?.Count ?? 0;
        var problem = requirement.Operator switch
        {
            "In" or "NotIn" => values == 0 ? FieldErrors.Required(field["values"], "must be specified when `operator` is 'In' or 'NotIn'") : null,
            "Exists" or "DoesNotExist" => values > 0 ? FieldErrors.Forbidden(field["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'") : null,
            "Gt" or "Lt" => values != 1 ? FieldErrors.Required(field["values"], "must be specified single value when `operator` is 'Lt' or 'Gt'") : null,
            var other => FieldErrors.Invalid(field["operator"], other.OrEmpty(), "not a valid selector operator"),
        };
        if (problem is not null)
            yield return problem;
        foreach (var text in Names.QualifiedNameProblems(requirement.Key.OrEmpty()))
            yield return FieldErrors.Invalid(field["key"], requirement.Key.OrEmpty(), text);
    }

    private static IEnumerable<StatusCause> MatchField(FieldPath field, NodeSelectorRequirement requirement)
    {
        if (requirement.Operator is not ("In" or "NotIn"))
            yield return FieldErrors.Invalid(field["operator"], requirement.Operator.OrEmpty(), "not a valid selector operator");
        else if (requirement.Values is not { Count: 1 })
            yield return FieldErrors.Required(field["values"], "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
        if (requirement.Key != "metadata.name")
        {
            yield return FieldErrors.Invalid(field["key"], requirement.Key.OrEmpty(), "not a valid field selector key");
            yield break;
        }

        foreach (var (index, value) in (requirement.Values ?? []).Index())
        {
            foreach (var problem in Names.DnsSubdomainProblems(value))
                yield return FieldErrors.Invalid(field["values"][index], value, problem);
        }
    }
}
