using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Operations;

/// <summary>The guest agent's answers, <c>{"return": …}</c>.</summary>
internal static class AgentFacts
{
    public static string? Version(JsonElement info) => Text(info, "version");

    public static IReadOnlyList<string> Commands(JsonElement info) => !info.TryGetProperty("supported_commands", out var commands)
        ? []
        : [.. commands.EnumerateArray().Where(c => c.GetProperty("enabled").GetBoolean()).Select(c => c.GetProperty("name").GetString()!).Order(StringComparer.Ordinal)];

    public static GuestOsObservation Os(JsonElement os) => new(
        Text(os, "id"), Text(os, "name"), Text(os, "pretty-name"), Text(os, "version"), Text(os, "version-id"), Text(os, "kernel-release"), Text(os, "kernel-version"), Text(os, "machine"));

    public static string Timezone(JsonElement zone) => $"{Text(zone, "zone") ?? "UTC"}, {zone.GetProperty("offset").GetInt64()}";

    public static IReadOnlyList<GuestUserObservation> Users(JsonElement users) =>
        [.. users.EnumerateArray().Select(u => new GuestUserObservation(Text(u, "user")!, Text(u, "domain"), (long)u.GetProperty("login-time").GetDouble()))];

    public static IReadOnlyList<GuestFilesystemObservation> Filesystems(JsonElement filesystems) =>
    [
        .. filesystems.EnumerateArray().Select(f => new GuestFilesystemObservation(Text(f, "name")!, Text(f, "mountpoint")!, Text(f, "type")!, Number(f, "used-bytes"), Number(f, "total-bytes"),
            f.TryGetProperty("disk", out var disks) ? [.. disks.EnumerateArray().Select(d => new GuestDiskObservation(Text(d, "bus-type") ?? "unknown", Text(d, "serial")))] : [])),
    ];

    /// <summary>The loopback device is nobody's business.</summary>
    public static IReadOnlyList<InterfaceObservation> Interfaces(JsonElement links) =>
    [
        .. from link in links.EnumerateArray()
           let name = Text(link, "name")
           where name != "lo"
           select new InterfaceObservation(null, Text(link, "hardware-address"), name,
               link.TryGetProperty("ip-addresses", out var addresses) ? [.. addresses.EnumerateArray().Select(a => Text(a, "ip-address")!)] : [], "guest-agent"),
    ];

    /// <summary>An interface of the domain is known by its MAC; the addresses of a masqueraded guest stay those of its pod.</summary>
    public static IReadOnlyList<InterfaceObservation> Merge(IReadOnlyList<InterfaceObservation> known, IReadOnlyList<InterfaceObservation> fromAgent)
    {
        var domain = known.Where(k => k.Name is not null).Select(k => fromAgent.FirstOrDefault(a => Same(a.Mac, k.Mac)) is { } seen
            ? k with
            {
                InterfaceName = seen.InterfaceName,
                InfoSource = "domain, guest-agent",
                // A bridged guest has its address from elsewhere.
                IpAddresses = k.IpAddresses.Count > 0 ? k.IpAddresses : seen.IpAddresses,
            }
            : k with { InfoSource = "domain" }).ToList();
        return [.. domain, .. fromAgent.Where(a => domain.All(d => !Same(a.Mac, d.Mac)))];
    }

    public static JsonElement Return(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("return").Clone();
    }

    private static bool Same(string? a, string? b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static long Number(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetInt64() : 0;
}
