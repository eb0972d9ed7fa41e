using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Defaults;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Machines;

/// <summary>What holds for a VirtualMachine's spec, its own or a pool's template of one.</summary>
internal static class MachineRules
{
    private const string WaitAsReceiver = "WaitAsReceiver";
    private static readonly HashSet<string> RunStrategies = ["Halted", "Manual", "Always", "RerunOnFailure", "Once"];

    public static StatusCause MissingTemplate(FieldPath path) => Cause.Required(path["template"], "missing virtual machine template.");

    public static IEnumerable<StatusCause> Spec(FieldPath path, VirtualMachineSpec spec, ClusterConfig config, bool bySystem)
    {
        if (spec.Template is not { } template)
            return [MissingTemplate(path)];
        var instance = template.Spec ?? new VirtualMachineInstanceSpec();
        return
        [
            .. MetadataRules.All(path.At("template", "metadata"), template.Metadata, config, bySystem),
            .. InstanceRules.TemplateAnnotations(path["template"], template, config),
            .. InstanceRules.Spec(path.At("template", "spec"), instance, config),
            .. DataVolumeTemplateRules.All(path, spec),
            .. RunStrategy(path, spec, config),
            .. LiveUpdate(path.At("template", "spec", "domain"), instance, config),
        ];
    }

    private static IEnumerable<StatusCause> RunStrategy(FieldPath path, VirtualMachineSpec spec, ClusterConfig config)
    {
        if (spec is { Running: not null, RunStrategy: not null })
            yield return Cause.Invalid(path["running"], "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use RunStrategy instead");
        if (spec is { Running: null, RunStrategy: null })
            yield return Cause.Invalid(path["running"], "RunStrategy must be specified");
        if (spec.RunStrategy is not { } strategy || RunStrategies.Contains(strategy))
            yield break;
        if (strategy != WaitAsReceiver)
            yield return Cause.Invalid(path["runStrategy"], $"Invalid RunStrategy ({strategy})");
        else if (!config.IsEnabled(FeatureGates.DecentralizedLiveMigration))
        {
            yield return Cause.Invalid(path["runStrategy"],
                $"Invalid RunStrategy ({strategy}), {FeatureGates.DecentralizedLiveMigration} feature gate is not enabled in kubevirt resource");
        }
    }

    private static IEnumerable<StatusCause> LiveUpdate(FieldPath domainPath, VirtualMachineInstanceSpec spec, ClusterConfig config)
    {
        if (!config.IsLiveUpdate || spec.Domain is not { } domain)
            yield break;
        if (domain.Cpu is { Sockets: > 0, MaxSockets: > 0 } cpu && cpu.Sockets > cpu.MaxSockets)
            yield return Cause.Invalid(domainPath.At("cpu", "sockets"), "Number of sockets in CPU topology is greater than the maximum sockets allowed");
        if (domain.Memory?.MaxGuest is { } max && HotplugDefaults.MemoryProblem(domain, spec.Architecture, max) is { } problem)
            yield return Cause.Invalid(domainPath.At("memory", "guest"), problem);
    }
}
