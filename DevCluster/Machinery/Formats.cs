using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using Troupe.DevCluster.Machinery.Cel;

namespace Troupe.DevCluster.Machinery;

/// <summary>The formats of OpenAPI strings that are checked; any other is only a hint for people.</summary>
internal static class Formats
{
    public static bool Fits(string format, string text) => format switch
    {
        "date-time" => CelText.Time(text) is not null,
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "duration" => GoDuration.TryParse(text, out _),
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "uuid" or "uuid3" or "uuid4" or "uuid5" => Guid.TryParse(text, out _),
        "ipv4" => IPAddress.TryParse(text, out var four) && four.AddressFamily == AddressFamily.InterNetwork && text.Split('.').Length == 4,
        "ipv6" => IPAddress.TryParse(text, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6,
        "cidr" => text.Split('/') is [var address, var length] && IPAddress.TryParse(address, out var ip)
            && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits <= ip.GetAddressBytes().Length * 8,
        "mac" => text.Split(':', '-') is { Length: 6 or 8 } parts && parts.All(p => p.Length == 2 && p.All(char.IsAsciiHexDigit)),
        "email" => MailAddress.TryCreate(text, out var mail) && mail.Address == text,
        "hostname" => text.Length is > 0 and <= 253 && text.Split('.').All(p => p.Length is > 0 and <= 63 && p.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && p[0] != '-' && p[^1] != '-'),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        _ => true,
    };
}
