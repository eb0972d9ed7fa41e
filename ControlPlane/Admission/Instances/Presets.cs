using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>VirtualMachineInstancePresets (deprecated): settings that matching VMIs get where they say nothing themselves.</summary>
internal static class Presets
{
    private const string Mark = "virtualmachinepreset.kubevirt.io/";
    private const string Exclude = "virtualmachineinstancepresets.admission.kubevirt.io/exclude";

    public static bool IsMarked(VirtualMachineInstance vmi) => vmi.Metadata.Annotations?.Keys.Any(k => k.Contains("virtualmachinepreset", StringComparison.Ordinal)) is true;

    /// <summary>The VMI with its presets, or why they can't be applied together.</summary>
    public static (VirtualMachineInstance Vmi, string? Conflict) Apply(VirtualMachineInstance vmi, IReadOnlyList<VirtualMachineInstancePreset> presets)
    {
        if (vmi.Metadata.Annotations?.GetValueOrDefault(Exclude) == "true")
            return (vmi, null);
        if (presets.Select(p => LabelSelectors.ParseError(p.Spec?.Selector)).FirstOrDefault(e => e is not null) is { } unreadable)
            return (vmi, unreadable);
        var matching = presets.Where(p => LabelSelectors.Matches(p.Spec?.Selector ?? new LabelSelector(), vmi.Metadata.Labels)).ToList();
        var conflicts = matching.Index().SelectMany(p => matching.Take(p.Index), (p, earlier) => (p.Item, Earlier: earlier))
            .Select(pair => (pair.Item, pair.Earlier, Fields: Contradictions(pair.Item.Spec?.Domain, pair.Earlier.Spec?.Domain)))
            .Where(c => c.Fields.Count > 0)
            .Select(c => $"presets '{c.Item.Metadata.Name}' and '{c.Earlier.Metadata.Name}' conflict: {GoText.Aggregate(c.Fields)}").ToList();
        return conflicts.Count > 0
            ? (vmi, $"VirtualMachinePresets cannot be applied due to conflicts: {GoText.Aggregate(conflicts)}")
            : (matching.Aggregate(vmi, Merge), null);
    }

    private static VirtualMachineInstance Merge(VirtualMachineInstance vmi, VirtualMachineInstancePreset preset)
    {
        if (preset.Spec?.Domain is not { } from || vmi.Spec?.Domain is not { } domain)
            return vmi;
        var merged = domain with
        {
            Resources = domain.Resources?.Requests is { Count: > 0 } || from.Resources?.Requests is not { Count: > 0 } requests
                ? domain.Resources
                : (domain.Resources ?? new ResourceRequirements()) with { Requests = requests },
            Cpu = domain.Cpu ?? from.Cpu,
            Firmware = domain.Firmware ?? from.Firmware,
            Clock = domain.Clock is { Timer: null } clock ? clock with { Timer = from.Clock?.Timer } : domain.Clock ?? from.Clock,
            Features = domain.Features ?? from.Features,
            IoThreadsPolicy = domain.IoThreadsPolicy ?? from.IoThreadsPolicy,
            Devices = (domain.Devices ?? new Devices()) with { Watchdog = domain.Devices?.Watchdog ?? from.Devices?.Watchdog },
        };
        if (!TookEffect(merged, from))
            return vmi;
        return vmi with
        {
            Spec = vmi.Spec with { Domain = merged },
            Metadata = vmi.Metadata with
            {
                Annotations = new Dictionary<string, string>(vmi.Metadata.Annotations ?? new Dictionary<string, string>()) { [$"{Mark}{preset.Metadata.Name}"] = "kubevirt.io/v1" },
            },
        };
    }

    private static bool TookEffect(DomainSpec domain, DomainSpec preset) =>
        (preset.Resources?.Requests is { Count: > 0 } requests && SameQuantities(domain.Resources?.Requests, requests))
        || (preset.Cpu is not null && ApiEquality.Same(domain.Cpu, preset.Cpu))
        || (preset.Firmware is not null && ApiEquality.Same(domain.Firmware, preset.Firmware))
        || (preset.Clock is not null && ApiEquality.Same(domain.Clock, preset.Clock))
        || (preset.Clock?.Timer is not null && ApiEquality.Same(domain.Clock?.Timer, preset.Clock.Timer))
        || (preset.Features is not null && ApiEquality.Same(domain.Features, preset.Features))
        || (preset.Devices?.Watchdog is not null && ApiEquality.Same(domain.Devices?.Watchdog, preset.Devices.Watchdog))
        || (preset.IoThreadsPolicy is not null && domain.IoThreadsPolicy == preset.IoThreadsPolicy);

    /// <summary>Fields that both set, and differently.</summary>
    private static List<string> Contradictions(DomainSpec? one, DomainSpec? other)
    {
        List<string> fields = [];
        if (one is null || other is null)
            return fields;
        foreach (var (key, value) in one.Resources?.Requests ?? new Dictionary<string, Quantity>())
        {
            if (other.Resources?.Requests?.TryGetValue(key, out var theirs) is true && theirs.Value != value.Value)
                fields.Add($"spec.resources.requests[{key}]: {value} != {theirs}");
        }

        Add("cpu", one.Cpu, other.Cpu);
        Add("firmware", one.Firmware, other.Firmware);
        Add("clock.clockoffset", one.Clock is null ? null : one.Clock with { Timer = null }, other.Clock is null ? null : other.Clock with { Timer = null });
        Add("clock.timer", one.Clock?.Timer, other.Clock?.Timer);
        Add("features", one.Features, other.Features);
        Add("devices.watchdog", one.Devices?.Watchdog, other.Devices?.Watchdog);
        if (one.IoThreadsPolicy is not null && other.IoThreadsPolicy is not null && one.IoThreadsPolicy != other.IoThreadsPolicy)
            fields.Add($"spec.ioThreadsPolicy: {one.IoThreadsPolicy} != {other.IoThreadsPolicy}");
        return fields;

        void Add<T>(string name, T? mine, T? theirs) where T : ApiObject
        {
            if (mine is not null && theirs is not null && !ApiEquality.Same(mine, theirs))
                fields.Add($"spec.{name} differs");
        }
    }

    private static bool SameQuantities(IReadOnlyDictionary<string, Quantity>? one, IReadOnlyDictionary<string, Quantity> other) =>
        one?.Count == other.Count && one.All(q => other.TryGetValue(q.Key, out var theirs) && theirs.Value == q.Value.Value);
}
