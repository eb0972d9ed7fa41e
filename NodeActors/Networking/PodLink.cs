using System.Globalization;
using System.Text.Json;

namespace Troupe.NodeActors.Networking;

/// <summary>A route by a pod's device.</summary>
/// <param name="Gateway">Null for a network that the device itself is in.</param>
public sealed record PodRoute(string Destination, string? Gateway)
{
    public const string Default = "default";
}

/// <summary>What the pod's network gave one of its devices, and a guest is to have in its place.</summary>
/// <param name="Address">With prefix; null for a device without one.</param>
public sealed record PodLink(string Mac, string? Address, IReadOnlyList<PodRoute> Routes)
{
    private const string Mark = "troupe";

    /// <summary>IFALIASZ less the closing zero.</summary>
    private const int MostCharacters = 255;

    /// <summary>
    /// Kept as the device's alias from before the first change until its end: whoever comes after a crash finds what it was like.
    /// </summary>
    /// <exception cref="FormatException">There are more routes than an alias holds.</exception>
    public string Alias
    {
        get
        {
            var alias = string.Join(' ', (IEnumerable<string>)[Mark, Mac, Address ?? "-", .. Routes.Select(r => r.Gateway is null ? r.Destination : $"{r.Destination}>{r.Gateway}")]);
            return alias.Length <= MostCharacters ? alias : throw new FormatException($"{Routes.Count} routes of one network are too many for a bridge");
        }
    }

    /// <summary>What a device that was changed had before.</summary>
    /// <param name="link">One of <c>ip -j link show</c>.</param>
    public static PodLink? Kept(JsonElement link) =>
        link.TryGetProperty("ifalias", out var alias) && alias.GetString()!.Split(' ') is [Mark, var mac, var address, .. var rest]
            ? new PodLink(mac, address == "-" ? null : address, [.. rest.Select(r => r.Split('>') is [var destination, var gateway] ? new PodRoute(destination, gateway) : new PodRoute(r, null))])
            : null;

    /// <param name="link">One of <c>ip -j address show</c>.</param>
    /// <param name="routes">Of <c>ip -j -4 route show dev NAME</c>.</param>
    public static PodLink Of(JsonElement link, JsonElement routes)
    {
        var first = link.GetProperty("addr_info").EnumerateArray().FirstOrDefault(a => a.TryGetProperty("family", out var family) && family.GetString() == "inet");
        return new PodLink(
            link.GetProperty("address").GetString()!,
            first.ValueKind is JsonValueKind.Object ? string.Create(CultureInfo.InvariantCulture, $"{first.GetProperty("local").GetString()}/{first.GetProperty("prefixlen").GetInt32()}") : null,
            // What the address itself brings, the guest's own will bring.
            [.. routes.EnumerateArray().Where(r => !r.TryGetProperty("protocol", out var by) || by.GetString() != "kernel")
                .Select(r => new PodRoute(r.GetProperty("dst").GetString()!, r.TryGetProperty("gateway", out var gateway) ? gateway.GetString() : null))]);
    }

    public string? Gateway => Routes.FirstOrDefault(r => r.Destination == PodRoute.Default)?.Gateway;

    /// <summary>For DHCP's option 121; empty where the default route says all.</summary>
    public IReadOnlyList<string> OtherRoutes =>
        [.. Routes.Where(r => r.Destination != PodRoute.Default).Select(r => $"{(r.Destination.Contains('/') ? r.Destination : r.Destination + "/32")},{r.Gateway ?? "0.0.0.0"}")];
}
