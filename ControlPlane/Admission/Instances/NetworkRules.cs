using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Networks, and which interface hangs on which.</summary>
internal static class NetworkRules
{
    /// <summary>Everything about networks and interfaces, in KubeVirt's order.</summary>
    public static IEnumerable<StatusCause> All(InstanceContext c) =>
    [
        .. OnePrimary(c), .. OneSource(c), .. MultusName(c), .. InterfaceRules.States(c), .. InterfaceRules.Bindings(c), .. NamesAreUnique(c), .. NetworkClaimRules.Networks(c),
        .. HaveInterfaces(c), .. InterfaceRules.NamesAreUnique(c), .. InterfacesHaveNetworks(c), .. InterfaceRules.Fields(c),
    ];

    private static IEnumerable<StatusCause> OnePrimary(InstanceContext c)
    {
        var pods = c.Networks.Count(n => n.Pod is not null);
        var defaults = c.Networks.Count(n => n.Multus?.Default is true);
        if (pods > 1)
            yield return Cause.Duplicate(c.Path["interfaces"], $"more than one interface is connected to a pod network in {c.Path["interfaces"]}");
        if (defaults > 1)
            yield return Cause.Invalid(c.Path["networks"], "Multus CNI should only have one default network");
        if (pods > 0 && defaults > 0)
            yield return Cause.Invalid(c.Path["networks"], "Pod network cannot be defined when Multus default network is defined");
    }

    private static IEnumerable<StatusCause> OneSource(InstanceContext c)
    {
        foreach (var (index, network) in c.Networks.Index())
        {
            var sources = new object?[] { network.Pod, network.Multus, network.ResourceClaim }.Count(s => s is not null);
            if (sources == 0)
                yield return Cause.Required(c.Path["networks"][index], "should have a network type");
            else if (sources > 1)
                yield return Cause.Required(c.Path["networks"][index], "should have only one network type");
        }
    }

    private static IEnumerable<StatusCause> MultusName(InstanceContext c) =>
        c.Networks.Index().Where(n => n.Item.Multus is { NetworkName: null or "" }).Take(1)
            .Select(n => Cause.Required(c.Path["networks"][n.Index], "CNI delegating plugin must have a networkName"));

    private static IEnumerable<StatusCause> NamesAreUnique(InstanceContext c)
    {
        HashSet<string> names = [];
        return c.Networks.Index().Where(n => !names.Add(n.Item.Name.OrEmpty())).Select(n =>
            Cause.Duplicate(c.Path["networks"][n.Index]["name"], $"Network with name \"{n.Item.Name}\" already exists, every network must have a unique name"));
    }

    private static IEnumerable<StatusCause> HaveInterfaces(InstanceContext c) =>
        from n in c.Networks.Index()
        where !c.Interfaces.Any(i => i.Name.OrEmpty() == n.Item.Name.OrEmpty())
        let field = c.Path["networks"][n.Index]["name"]
        select Cause.Required(field, $"{field} '{n.Item.Name}' not found.");

    private static IEnumerable<StatusCause> InterfacesHaveNetworks(InstanceContext c) =>
        from i in c.Interfaces.Index()
        where !c.Networks.Any(n => n.Name.OrEmpty() == i.Item.Name.OrEmpty())
        let field = c.DevicesPath["interfaces"][i.Index]["name"]
        select Cause.Invalid(field, $"{field} '{i.Item.Name}' not found.");
}

/// <summary>Networks whose device comes from a dynamic resource claim.</summary>
internal static class NetworkClaimRules
{
    public static IEnumerable<StatusCause> Networks(InstanceContext c)
    {
        var field = c.Path["networks"];
        if (c.Networks.All(n => n.ResourceClaim is null))
            return [];
        if (!c.IsEnabled(FeatureGates.NetworkDevicesWithDRA))
            return [Cause.Invalid(field, "vmi.spec.networks contains DRA networks but NetworkDevicesWithDRA feature gate is not enabled")];
        if (c.Networks.Any(n => n.Multus is not null))
            return [Cause.Invalid(field, "mixing Multus and DRA resourceClaim networks in the same VMI is not supported")];
        HashSet<string> requests = [];
        return c.Networks.Index().Where(n => n.Item.ResourceClaim is not null).SelectMany(n => Claim(c, field[n.Index], n.Item, requests));
    }

    private static IEnumerable<StatusCause> Claim(InstanceContext c, FieldPath field, Network network, HashSet<string> requests)
    {
        var (claim, request) = (network.ResourceClaim!.ClaimName.OrEmpty(), network.ResourceClaim.RequestName.OrEmpty());
        if (c.Interfaces.FirstOrDefault(i => i.Name == network.Name) is { Sriov: null, Binding: null })
            yield return Cause.Invalid(c.DevicesPath["interfaces"], $"DRA network \"{network.Name}\" requires an SR-IOV or binding plugin interface");
        if (claim.Length == 0)
            yield return Cause.Required(field.At("resourceClaim", "claimName"), "claimName is required for DRA network");
        if (request.Length == 0)
            yield return Cause.Required(field.At("resourceClaim", "requestName"), "requestName is required for DRA network");
        if (claim.Length == 0 || request.Length == 0)
            yield break;
        if (c.Spec.ResourceClaims?.Any(r => r.Name == claim) is not true)
            yield return Cause.NotFound(field.At("resourceClaim", "claimName"), $"network references resourceClaim \"{claim}\" which is not defined in spec.resourceClaims");
        if (!requests.Add($"{claim}/{request}"))
            yield return Cause.Duplicate(field, $"duplicate claimName/requestName combination \"{claim}/{request}\"");
    }
}
