using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>Memory that the host cannot read.</summary>
internal static class LaunchSecurityXml
{
    private const string Field = "spec.domain.launchSecurity";

    // Bits of an SEV guest policy.
    private const uint NoDebug = 1;
    private const uint EncryptedState = 4;

    public static XElement? LaunchSecurity(DomainSource source)
    {
        switch (source.Domain.LaunchSecurity)
        {
            case { Sev: { } sev }:
                if (!source.Host.HasSev)
                    throw new UnsupportedSpecException($"{Field}.sev", "this node has no /dev/sev");
                return new XElement("launchSecurity", new XAttribute("type", "sev"),
                    new XElement("policy", $"0x{NoDebug | (sev.Policy?.EncryptedState is true ? EncryptedState : 0):x}"),
                    sev.DhCert is { Length: > 0 } certificate ? new XElement("dhCert", certificate) : null,
                    sev.Session is { Length: > 0 } session ? new XElement("session", session) : null);
            case { Snp: not null }:
                throw new UnsupportedSpecException($"{Field}.snp", "needs libvirt 10.5 or later on the node");
            case { Tdx: not null }:
                throw new UnsupportedSpecException($"{Field}.tdx", "needs libvirt 11.6 or later on the node");
            default:
                return null;
        }
    }

    /// <summary>A guest with encrypted memory reaches its virtio devices through an IOMMU only.</summary>
    public static XAttribute? Iommu(DomainSource source) => source.IsConfidential ? new XAttribute("iommu", "on") : null;
}
