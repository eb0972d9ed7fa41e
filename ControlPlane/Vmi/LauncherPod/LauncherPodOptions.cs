namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <param name="Image">Image of the launcher container.</param>
/// <param name="UseEmulation">No node has /dev/kvm: guests are emulated and the pod asks for no KVM device.</param>
public sealed record LauncherPodOptions(string Image, bool UseEmulation)
{
    /// <summary>`NAMESPACE/NAME` of the network attachment for migrations; null where they use the pod network.</summary>
    public string? MigrationNetwork { get; init; }
}
