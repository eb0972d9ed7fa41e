using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>DNS settings of the launcher pod, which the guest gets by DHCP: Kubernetes' rules for pods.</summary>
internal static class DnsRules
{
    private const int MaxNameservers = 3;
    private const int MaxSearchPaths = 6;
    private const int MaxSearchListLength = 256;
    private static readonly string[] Policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", ""];

    private static readonly FieldPath Nameservers = new("nameservers");
    private static readonly FieldPath SearchDomains = new("searchDomains");

    public static IEnumerable<StatusCause> Policy(InstanceContext c)
    {
        if (!Policies.Contains(c.Spec.DnsPolicy.OrEmpty()))
            yield return Cause.NotSupported(c.Path["dnsPolicy"], $"DNSPolicy: {c.Spec.DnsPolicy} is not supported, valid values: [{string.Join(' ', Policies)}]");
    }

    public static IEnumerable<StatusCause> Config(InstanceContext c)
    {
        var config = c.Spec.DnsConfig;
        if (c.Spec.DnsPolicy == "None" && config is null)
            yield return Cause.Required(c.Path["dnsConfig"], "must provide `dnsConfig` when `dnsPolicy` is None");
        else if (c.Spec.DnsPolicy == "None" && config is not { Nameservers.Count: > 0 })
            yield return Cause.Required(Nameservers, "must provide at least one DNS nameserver when `dnsPolicy` is None");
        else if (config is not null)
        {
            var (servers, searches) = (config.Nameservers ?? [], config.Searches ?? []);
            if (servers.Count > MaxNameservers)
                yield return Cause.Invalid(Nameservers, $"must not have more than {MaxNameservers} nameservers: [{string.Join(' ', servers)}]");
            foreach (var server in servers.Where(s => !Names.IsIpAddress(s)))
                yield return Cause.Invalid(Nameservers, $"must be valid IP address: {server}");
            if (searches.Count > MaxSearchPaths)
                yield return Cause.Invalid(SearchDomains, $"must not have more than {MaxSearchPaths} search paths");
            if (string.Join(' ', searches).Length > MaxSearchListLength)
                yield return Cause.Invalid(SearchDomains, $"must not have more than {MaxSearchListLength} characters (including spaces) in the search list");
            foreach (var problem in searches.SelectMany(Names.DnsSubdomainProblems))
                yield return Cause.Invalid(SearchDomains, problem);
            foreach (var _ in (config.Options ?? []).Where(o => o.Name is null or ""))
                yield return Cause.Invalid(new FieldPath("options"), "Option.Name must not be empty");
        }
    }
}
