namespace Troupe.Launcher.HostDevices;

/// <summary>
/// What device plugins gave to this pod: kubelet passes their addresses in the environment, as
/// <c>PCI_RESOURCE_NVIDIA_COM_TU104=0000:3b:00.0,0000:3c:00.0</c>.
/// </summary>
internal sealed class AddressPool(IReadOnlyDictionary<string, string> environment)
{
    private static readonly (string Prefix, AssignedKind Kind)[] Prefixes =
        [("PCI_RESOURCE", AssignedKind.Pci), ("MDEV_PCI_RESOURCE", AssignedKind.Mdev), ("USB_RESOURCE", AssignedKind.Usb)];

    private readonly Dictionary<string, Queue<string>> _left = environment
        .Where(e => Prefixes.Any(p => e.Key.StartsWith(p.Prefix + "_", StringComparison.Ordinal)))
        .ToDictionary(e => e.Key, e => new Queue<string>(e.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)), StringComparer.Ordinal);

    /// <summary>The next address of the resource; null when there is none left.</summary>
    /// <param name="resource">As in the VMI, <c>nvidia.com/TU104</c>.</param>
    public (AssignedKind Kind, string Address)? Take(string resource)
    {
        foreach (var (prefix, kind) in Prefixes)
        {
            if (_left.TryGetValue($"{prefix}_{NameOf(resource)}", out var addresses) && addresses.TryDequeue(out var address))
                return (kind, address);
        }

        return null;
    }

    private static string NameOf(string resource) => resource.Replace('/', '_').Replace('.', '_').ToUpperInvariant();
}
