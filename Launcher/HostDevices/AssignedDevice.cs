namespace Troupe.Launcher.HostDevices;

public enum AssignedKind
{
    /// <summary>The address is <c>0000:3b:00.0</c>.</summary>
    Pci,
    /// <summary>The address is the UUID of a mediated device.</summary>
    Mdev,
    /// <summary>The address is <c>BUS:DEVICE</c>, decimal.</summary>
    Usb,
}

/// <summary>A device of the host that the guest gets for itself.</summary>
/// <param name="Alias">Its name in the domain, without <c>ua-</c>.</param>
/// <param name="HasDisplay">A virtual GPU that shows the guest's screen.</param>
/// <param name="HasRamFb">… and from the first line of the firmware on.</param>
/// <param name="Mac">For a network function.</param>
public sealed record AssignedDevice(AssignedKind Kind, string Alias, string Address, bool HasDisplay = false, bool HasRamFb = false, string? Mac = null, int? BootOrder = null)
{
    public const string FunctionAlias = "sriov-";

    /// <summary>The interface of the spec that it is for; null for what is no network function.</summary>
    public string? InterfaceName => Alias.StartsWith(FunctionAlias, StringComparison.Ordinal) ? Alias[FunctionAlias.Length..] : null;
}
