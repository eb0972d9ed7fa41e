namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <param name="Image">Image of the launcher container.</param>
/// <param name="UseEmulation">No node has /dev/kvm: guests are emulated and the pod asks for no KVM device.</param>
/// <param name="QemuTimeoutSeconds">How long a guest may take to start before its launcher gives up; each gets up to two minutes more, so that not all give up at once.</param>
public sealed record LauncherPodOptions(string Image, bool UseEmulation, int QemuTimeoutSeconds = LauncherPodOptions.DefaultQemuTimeoutSeconds)
{
    public const int DefaultQemuTimeoutSeconds = 240;

    /// <summary>Pods get the containers that `hooks.kubevirt.io/hookSidecars` asks for (feature gate Sidecar).</summary>
    public bool HasHookSidecars { get; init; }

    public GuestSettings Settings { get; init; } = GuestSettings.Default;

    /// <summary>`NAMESPACE/NAME` of the network attachment for migrations; null where they use the pod network.</summary>
    public string? MigrationNetwork { get; init; }

    /// <summary>Of the claim for TPM and UEFI variables (`vmStateStorageClass`); null for the cluster's default.</summary>
    public string? StateStorageClass { get; init; }
}
