using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Names under which the guest is known, the service account it runs as, and how it starts and is evicted.</summary>
internal static class IdentityRules
{
    private static readonly HashSet<string> EvictionStrategies = ["LiveMigrate", "LiveMigrateIfPossible", "None", "External"];

    public static IEnumerable<StatusCause> Hostname(InstanceContext c)
    {
        if (c.Spec.Hostname is { Length: > 0 } name && Names.DnsLabelProblems(name).ToList() is { Count: > 0 } problems)
            yield return Cause.Invalid(c.Path["hostname"], $"{c.Path["hostname"]} does not conform to the kubernetes DNS_LABEL rules : {string.Join(", ", problems)}");
    }

    public static IEnumerable<StatusCause> Subdomain(InstanceContext c)
    {
        if (c.Spec.Subdomain is { Length: > 0 } name && Names.DnsSubdomainProblems(name).ToList() is { Count: > 0 } problems)
            yield return Cause.Invalid(c.Path["subdomain"], $"{c.Path["subdomain"]} does not conform to the kubernetes DNS_SUBDOMAIN rules : {string.Join(", ", problems)}");
    }

    public static IEnumerable<StatusCause> ServiceAccount(InstanceContext c)
    {
        if (c.Spec.ServiceAccountName is not { Length: > 0 } name)
            yield break;
        var field = c.Path["serviceAccountName"];
        if (Names.DnsSubdomainProblems(name).ToList() is { Count: > 0 } problems)
            yield return Cause.Invalid(field, $"{field} is not a valid service account name: {string.Join("; ", problems)}");
        if (c.Volumes.FirstOrDefault(v => v.ServiceAccount is { } account && account.ServiceAccountName != name)?.ServiceAccount is { } other)
        {
            yield return Cause.Invalid(field,
                $"spec.serviceAccountName {GoText.Quoted(name)} and serviceAccount volume {GoText.Quoted(other.ServiceAccountName.OrEmpty())} must reference the same service account");
        }
    }

    public static IEnumerable<StatusCause> StartStrategy(InstanceContext c)
    {
        var field = c.Path["startStrategy"];
        if (c.Spec.StartStrategy is null)
            yield break;
        if (c.Spec.StartStrategy != "Paused")
            yield return Cause.Invalid(field, $"{field} is set with an unrecognized option: {c.Spec.StartStrategy}");
        else if (c.Spec.LivenessProbe is not null)
            yield return Cause.Invalid(field, $"either {field} or {c.Path["livenessProbe"]} should be provided.Pausing VMI with LivenessProbe is not supported");
    }

    public static IEnumerable<StatusCause> EvictionStrategy(InstanceContext c)
    {
        if ((c.Spec.EvictionStrategy ?? c.Config.EvictionStrategy) is { } strategy && !EvictionStrategies.Contains(strategy))
            yield return Cause.Invalid(c.Path["evictionStrategy"], $"{c.Path["evictionStrategy"]} is set with an unrecognized option: {strategy}");
    }

    public static IEnumerable<StatusCause> RebootPolicy(InstanceContext c)
    {
        if (c.Domain.RebootPolicy is not null && !c.IsEnabled(FeatureGates.RebootPolicy))
            yield return Cause.Invalid(c.DomainPath["rebootPolicy"], $"RebootPolicy is specified but the {FeatureGates.RebootPolicy} feature gate is not enabled");
    }
}
