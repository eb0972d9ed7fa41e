using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Encrypted guests and what can't go with them.</summary>
internal static class LaunchSecurityRules
{
    public static IEnumerable<StatusCause> All(InstanceContext c) => (c.Domain.LaunchSecurity, c.Spec.Architecture) switch
    {
        (null, _) => [],
        ({ } security, "amd64") => OnAmd64(c, security),
        (_, "s390x") => [],
        (_, var other) => [Cause.Invalid(c.Path["architecture"], $"No launchSecurity support for architecture: {other}")],
    };

    private static IEnumerable<StatusCause> OnAmd64(InstanceContext c, LaunchSecurity security)
    {
        var field = c.Path["launchSecurity"];
        List<(string Name, string Gate)> types = [];
        if (security.Sev is not null)
            types.Add(("SEV", FeatureGates.WorkloadEncryptionSEV));
        if (security.Snp is not null)
            types.Add(("SNP", FeatureGates.WorkloadEncryptionSEV));
        if (security.Tdx is not null)
            types.Add(("TDX", FeatureGates.WorkloadEncryptionTDX));
        if (types is not [var (name, gate)])
            return [Cause.Forbidden(field, "One and only one launchSecurity type can be set")];
        if (!c.IsEnabled(gate))
            return [Cause.Invalid(field, $"{gate} feature gate is not enabled in kubevirt-config")];
        return Conflicts(c, security, name).Select(message => Cause.Invalid(field, message));
    }

    private static IEnumerable<string> Conflicts(InstanceContext c, LaunchSecurity security, string name)
    {
        var isTdx = security.Tdx is not null;
        if (isTdx && c.Domain.Features?.Smm.IsOn() is true)
            yield return "TDX does not work along with SMM";
        var efi = c.Domain.Firmware?.Bootloader?.Efi;
        if (efi is null)
            yield return $"{name} requires OVMF (UEFI)";
        if (efi is not null && !isTdx && efi.SecureBoot is not false)
            yield return $"{name} does not work along with SecureBoot";
        if (efi?.Persistent is true && security.Sev is null)
            yield return $"{name} does not work along with Persistent EFI variables";
        if (security.Sev?.Attestation is not null && c.Spec.StartStrategy != "Paused")
            yield return "SEV attestation requires VMI StartStrategy 'Paused'";
        foreach (var nic in c.Interfaces.Where(i => i.BootOrder is not null))
            yield return $"{name} does not work with bootable NICs: {nic.Name}";
    }
}
