using System.Security.Cryptography;
using System.Text;

namespace Troupe.Messages.Api.KubeVirt.Vocabulary;

/// <summary>Names of a launcher pod's own network devices.</summary>
public static class PodInterfaces
{
    public const string Primary = "eth0";
    private const string Prefix = "pod";
    private const int HashLength = 11;

    /// <summary>Of a network that Multus attaches: the same on every node, whatever the order of networks.</summary>
    public static string Secondary(string network) => $"{Prefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network)))[..HashLength]}";

    /// <summary>Whether a device has such a name.</summary>
    public static bool IsSecondary(string device) => device.Length == Prefix.Length + HashLength && device.StartsWith(Prefix, StringComparison.Ordinal) && device.Skip(Prefix.Length).All(char.IsAsciiHexDigitLower);
}
