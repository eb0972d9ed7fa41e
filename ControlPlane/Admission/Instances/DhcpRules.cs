using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>What an interface's DHCP server tells the guest.</summary>
internal static class DhcpRules
{
    // RFC 3942 leaves these to the site.
    private const int FirstPrivate = 224;
    private const int LastPrivate = 254;

    public static IEnumerable<StatusCause> Of(InstanceContext c, FieldPath nicField, Interface nic)
    {
        if (nic.DhcpOptions is not { } dhcp)
            yield break;
        var options = dhcp.PrivateOptions ?? [];
        if (options.DistinctBy(o => o.Option ?? 0).Count() < options.Count)
            yield return Cause.Invalid(c.Path, "Found Duplicates: you have provided duplicate DHCPPrivateOptions");
        foreach (var _ in options.Where(o => o.Option is null or < FirstPrivate or > LastPrivate))
            yield return Cause.Invalid(c.Path, "provided DHCPPrivateOptions are out of range, must be in range 224 to 254");
        foreach (var (index, _) in (dhcp.NtpServers ?? []).Index().Where(s => !Names.IsIPv4Address(s.Item)))
            yield return Cause.Invalid(nicField.At("dhcpOptions", "ntpServers")[index], "NTP servers must be a list of valid IPv4 addresses.");
    }
}
