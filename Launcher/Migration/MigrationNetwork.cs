using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Troupe.Launcher.Migration;

/// <summary>The network that the administrator has set apart for migrations, as this pod has it.</summary>
internal static class MigrationNetwork
{
    /// <summary>KubeVirt's name for the interface by which a pod is in it.</summary>
    public const string Interface = "migration0";

    /// <summary>The pod's address in it: the first that others can reach.</summary>
    /// <param name="network">Its name, for what is wrong.</param>
    /// <exception cref="IOException">This pod is not in it.</exception>
    public static string Address(string network, string name = Interface)
    {
        var link = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(i => i.Name == name)
            ?? throw new IOException($"migration network {network}: this pod has no interface {name}; pods that were started before the network was configured have none");
        return link.GetIPProperties().UnicastAddresses.Select(a => a.Address).FirstOrDefault(IsGlobal)?.ToString()
            ?? throw new IOException($"migration network {network}: no IP found on {name}");
    }

    private static bool IsGlobal(IPAddress address) => !IPAddress.IsLoopback(address)
        && (address.AddressFamily is AddressFamily.InterNetworkV6 ? !address.IsIPv6LinkLocal && !address.IsIPv6Multicast : address.GetAddressBytes() is not [169, 254, ..]);
}
