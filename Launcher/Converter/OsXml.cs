using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Converter;

/// <summary>Machine type, firmware and what it boots.</summary>
internal static class OsXml
{
    /// <summary>Milliseconds: a guest that starts paused waits this long at its boot menu, so that somebody can choose.</summary>
    private const int BootMenuTimeout = 10_000;
    private const string Efi = "spec.domain.firmware.bootloader.efi";

    public static XElement Os(DomainSource source)
    {
        var (domain, firmware) = (source.Domain, source.Domain.Firmware);
        var machine = domain.Machine?.Type is { Length: > 0 } type ? type : "q35";
        if (source.Spec.Architecture is not (null or "" or "amd64"))
            throw new UnsupportedSpecException("spec.architecture", $"this node runs amd64 guests, not {source.Spec.Architecture}");
        var os = new XElement("os",
            new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", machine), "hvm"),
            new XElement("smbios", new XAttribute("mode", "sysinfo")));
        if (firmware?.Bootloader?.Efi is { } efi)
            AddUefi(os, source, efi.SecureBoot is not false);
        if (firmware?.KernelBoot is { } boot)
        {
            AddPath(os, "kernel", boot.Container?.KernelPath);
            AddPath(os, "initrd", boot.Container?.InitrdPath);
            if (boot.KernelArgs is { Length: > 0 } args)
                os.Add(new XElement("cmdline", args));
        }

        if (firmware?.Bootloader?.Bios?.UseSerial is true)
            os.Add(new XElement("bios", new XAttribute("useserial", "yes")));
        if (source.Spec.StartStrategy is "Paused")
            os.Add(new XElement("bootmenu", new XAttribute("enable", "yes"), new XAttribute("timeout", BootMenuTimeout)));
        AddAcpiTables(os, source);
        return os;
    }

    private static void AddUefi(XElement os, DomainSource source, bool secure)
    {
        if (secure && source.Domain.Features?.Smm is null or { Enabled: false })
            throw new UnsupportedSpecException($"{Efi}.secureBoot", "SecureBoot requires SMM, which is currently disabled.", isInvalid: true);
        if (source.Domain.LaunchSecurity is { Sev: null } security and not { Snp: null, Tdx: null })
        {
            AddStateless(os, source.Host, security.Snp is not null, secure);
            return;
        }

        var images = (secure ? source.Host.SecureUefi : source.IsSev ? source.Host.SevUefi ?? source.Host.Uefi : source.Host.Uefi)
            ?? throw new UnsupportedSpecException(secure ? $"{Efi}.secureBoot" : Efi, "this node has no UEFI firmware (package ovmf)");
        os.Add(
            new XElement("loader", new XAttribute("readonly", "yes"), new XAttribute("secure", secure ? "yes" : "no"), new XAttribute("type", "pflash"), images.Code),
            new XElement("nvram", new XAttribute("template", images.Vars), $"{LauncherPaths.Nvram}/{source.Vmi.Metadata.Name}_VARS.fd"));
    }

    /// <summary>What such a guest measures at its start must be the same each time: its firmware keeps no variables.</summary>
    private static void AddStateless(XElement os, HostFacts host, bool isSnp, bool secure)
    {
        if (isSnp && secure)
            throw new UnsupportedSpecException($"{Efi}.secureBoot", "SEV-SNP does not work along with secure boot", isInvalid: true);
        var image = (isSnp ? host.SnpUefi : secure ? host.SecureTdxUefi : host.TdxUefi)
            ?? throw new UnsupportedSpecException(Efi, $"this node has no UEFI firmware for {(isSnp ? "SEV-SNP (OVMF.amdsev.fd)" : $"TDX (OVMF.inteltdx{(secure ? ".secboot" : "")}.fd)")}");
        os.Add(new XElement("loader", new XAttribute("readonly", "yes"), new XAttribute("secure", "no"), new XAttribute("type", "rom"), image));
    }

    private static void AddAcpiTables(XElement os, DomainSource source)
    {
        if (source.Domain.Firmware?.Acpi is not { } acpi)
            return;
        // The two kinds of table are told apart by their own signature; QEMU takes one file for both.
        foreach (var (volume, file, field) in new[] { (acpi.SlicNameRef, "slic.bin", "slicNameRef"), (acpi.MsdmNameRef, "msdm.bin", "msdmNameRef") })
        {
            if (volume is not { Length: > 0 })
                continue;
            if (source.Spec.Volumes?.Any(v => v.Name == volume && v.Secret is not null) is not true)
                throw new UnsupportedSpecException($"spec.domain.firmware.acpi.{field}", $"no secret volume is named '{volume}'", isInvalid: true);
            var table = new XElement("table", new XAttribute("type", "slic"), $"{LauncherPaths.SecretVolume(volume)}/{file}");
            if (os.Element("acpi") is { } tables)
                tables.Add(table);
            else
                os.Add(new XElement("acpi", table));
        }
    }

    private static void AddPath(XElement os, string name, string? path)
    {
        if (path is { Length: > 0 })
            os.Add(new XElement(name, LauncherPaths.KernelBoot + "/" + path.TrimStart('/')));
    }
}
