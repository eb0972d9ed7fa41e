using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>Memory that the host cannot read.</summary>
internal static class LaunchSecurityXml
{
    private const string Field = "spec.domain.launchSecurity";

    // Bits of an SEV guest policy.
    private const uint NoDebug = 1;
    private const uint EncryptedState = 4;

    /// <summary>Of an SEV-SNP guest: the host may have hyper-threading; the other bit must be set.</summary>
    private const uint SnpPolicy = 1 << 16 | 1 << 17;
    private const string QgsSocketPath = "kubevirt.io/qgs-socket-path";

    public static XElement? LaunchSecurity(DomainSource source)
    {
        switch (source.Domain.LaunchSecurity)
        {
            case { Sev: { } sev }:
                RequireSev(source, "sev");
                return new XElement("launchSecurity", new XAttribute("type", "sev"),
                    new XElement("policy", $"0x{NoDebug | (sev.Policy?.EncryptedState is true ? EncryptedState : 0):x}"),
                    sev.DhCert is { Length: > 0 } certificate ? new XElement("dhCert", certificate) : null,
                    sev.Session is { Length: > 0 } session ? new XElement("session", session) : null);
            case { Snp: not null }:
                Require(source, "snp", new Version(10, 5));
                RequireSev(source, "snp");
                return new XElement("launchSecurity", new XAttribute("type", "sev-snp"), new XElement("policy", $"0x{SnpPolicy:x}"));
            case { Tdx: not null }:
                Require(source, "tdx", new Version(11, 6));
                return new XElement("launchSecurity", new XAttribute("type", "tdx"),
                    new XElement("quoteGenerationService", source.Vmi.Metadata.Annotations?.GetValueOrDefault(QgsSocketPath) is { Length: > 0 } path ? new XAttribute("path", path) : null));
            default:
                return null;
        }
    }

    private static void Require(DomainSource source, string kind, Version libvirt)
    {
        if (source.Host.Libvirt < libvirt)
            throw new UnsupportedSpecException($"{Field}.{kind}", $"needs libvirt {libvirt} or later on the node, which has {source.Host.Libvirt}");
    }

    private static void RequireSev(DomainSource source, string kind)
    {
        if (!source.Host.HasSev)
            throw new UnsupportedSpecException($"{Field}.{kind}", "this node has no /dev/sev");
    }

    /// <summary>A guest whose memory AMD's processor encrypts reaches its virtio devices through an IOMMU only.</summary>
    public static XAttribute? Iommu(DomainSource source) => source.IsSev ? new XAttribute("iommu", "on") : null;
}
