using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>Every field that the converter does not translate, so that none is silently ignored.</summary>
internal static class UnsupportedFields
{
    private static readonly (string Field, string Why, Func<VirtualMachineInstanceSpec, bool> IsSet)[] Fields =
    [
        ("spec.resourceClaims", "devices of Dynamic Resource Allocation are not supported by this launcher", s => s.ResourceClaims is { Count: > 0 }),
        ("spec.domain.devices.gpus.claimName", "devices of Dynamic Resource Allocation are not supported by this launcher", s => s.Domain?.Devices?.Gpus?.Any(g => g.ClaimName is { Length: > 0 }) is true),
        ("spec.domain.devices.hostDevices.claimName", "devices of Dynamic Resource Allocation are not supported by this launcher", s => s.Domain?.Devices?.HostDevices?.Any(d => d.ClaimName is { Length: > 0 }) is true),
        ("spec.domain.devices.disks.changedBlockTracking", "is not supported by this launcher", s => s.Domain?.Devices?.Disks?.Any(d => d.ChangedBlockTracking is true) is true),
        ("spec.domain.launchSecurity.sev.attestation", "is not supported by this launcher", s => s.Domain?.LaunchSecurity?.Sev?.Attestation is not null),
    ];

    /// <exception cref="UnsupportedSpecException">Names the first one that is set.</exception>
    public static void Check(VirtualMachineInstance vmi)
    {
        foreach (var (field, why, isSet) in Fields)
        {
            if (vmi.Spec is { } spec && isSet(spec))
                throw new UnsupportedSpecException(field, why);
        }
    }
}
