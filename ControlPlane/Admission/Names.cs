using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Troupe.ControlPlane.Admission;

/// <summary>Kubernetes' rules for names, with its words for what is wrong; empty when a name is good.</summary>
public static partial class Names
{
    private const int LabelLength = 63;
    private const int SubdomainLength = 253;
    private const int PortNameLength = 15;

    private const string LabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string SubdomainPattern = @"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    private const string QualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    public static IEnumerable<string> DnsLabelProblems(string name)
    {
        if (name.Length > LabelLength)
            yield return TooLong(LabelLength);
        if (DnsLabel().IsMatch(name))
            yield break;
        if (DnsSubdomain().IsMatch(name))
            yield return "must not contain dots";
        else
        {
            yield return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
                + $"(e.g. 'my-name',  or '123-abc', regex used for validation is '{LabelPattern}')";
        }
    }

    public static IEnumerable<string> DnsSubdomainProblems(string name)
    {
        if (name.Length > SubdomainLength)
            yield return TooLong(SubdomainLength);
        if (!DnsSubdomain().IsMatch(name))
        {
            yield return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
                + $"(e.g. 'example.com', regex used for validation is '{SubdomainPattern}')";
        }
    }

    /// <summary>A label or annotation key: an optional DNS subdomain, a slash, a name.</summary>
    public static IEnumerable<string> QualifiedNameProblems(string key)
    {
        var parts = key.Split('/');
        var name = parts[^1];
        if (parts.Length > 2)
        {
            yield return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                + $"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QualifiedPattern}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            yield break;
        }

        if (parts.Length == 2)
        {
            if (parts[0].Length == 0)
                yield return "prefix part must be non-empty";
            else
            {
                foreach (var problem in DnsSubdomainProblems(parts[0]))
                    yield return $"prefix part {problem}";
            }
        }

        if (name.Length == 0)
            yield return "name part must be non-empty";
        else if (name.Length > LabelLength)
            yield return $"name part {TooLong(LabelLength)}";
        if (!Qualified().IsMatch(name))
        {
            yield return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                + $"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QualifiedPattern}')";
        }
    }

    public static bool IsPortName(string name) =>
        name.Length <= PortNameLength && PortCharacters().IsMatch(name) && name.Any(char.IsAsciiLetterLower) && !name.Contains("--", StringComparison.Ordinal) && name[0] != '-' && name[^1] != '-';

    public static bool IsPciAddress(string address) => PciAddress().IsMatch(address);

    /// <summary>Go's view, which is narrower than .NET's: no zones, brackets or missing parts, and a leading zero makes nothing octal.</summary>
    public static bool IsIpAddress(string address) => address.Contains(':', StringComparison.Ordinal)
        ? address.IndexOfAny(['%', '[', ']']) < 0 && IPAddress.TryParse(address, out _)
        : address.Split('.') is { Length: 4 } parts && parts.All(p => byte.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    public static bool IsIPv4Address(string address) =>
        IsIpAddress(address) && (!address.Contains(':', StringComparison.Ordinal) || IPAddress.Parse(address).IsIPv4MappedToIPv6);

    /// <summary>What is wrong with a hardware address of six bytes, in words that follow "has"; null when nothing is (or it is empty).</summary>
    public static string? MacAddressProblem(string? address) => address switch
    {
        null or "" => null,
        _ when MacAddress().IsMatch(address) || DottedMacAddress().IsMatch(address) => null,
        _ when LongMacAddress().IsMatch(address) => $"too long MAC address ({address})",
        _ => $"malformed MAC address ({address})",
    };

    private static string TooLong(int max) => $"must be no more than {max} characters";

    [GeneratedRegex($"^{LabelPattern}\\z")]
    private static partial Regex DnsLabel();

    [GeneratedRegex($"^{SubdomainPattern}\\z")]
    private static partial Regex DnsSubdomain();

    [GeneratedRegex($"^{QualifiedPattern}\\z")]
    private static partial Regex Qualified();

    [GeneratedRegex("^[-a-z0-9]+\\z")]
    private static partial Regex PortCharacters();

    [GeneratedRegex(@"^[\da-fA-F]{4}:[\da-fA-F]{2}:[\da-fA-F]{2}\.[0-7]\z")]
    private static partial Regex PciAddress();

    [GeneratedRegex(@"^[\da-fA-F]{2}([:-])[\da-fA-F]{2}(\1[\da-fA-F]{2}){4}\z")]
    private static partial Regex MacAddress();

    [GeneratedRegex(@"^[\da-fA-F]{4}(\.[\da-fA-F]{4}){2}\z")]
    private static partial Regex DottedMacAddress();

    /// <summary>EUI-64 and InfiniBand: real addresses, but not of a guest's NIC.</summary>
    [GeneratedRegex(@"^([\da-fA-F]{2}([:-])[\da-fA-F]{2}(\2[\da-fA-F]{2}){6}|[\da-fA-F]{2}([:-])[\da-fA-F]{2}(\4[\da-fA-F]{2}){18}|[\da-fA-F]{4}(\.[\da-fA-F]{4}){3}|[\da-fA-F]{4}(\.[\da-fA-F]{4}){9})\z")]
    private static partial Regex LongMacAddress();
}
