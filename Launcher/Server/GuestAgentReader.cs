using System.Text.Json;
using Troupe.Launcher.Libvirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Server;

/// <summary>Reads what the guest agent knows, when it connects and then ever more seldom: addresses may change without any event.</summary>
internal sealed class GuestAgentReader(DomainHost host, TimeProvider time)
{
    private const int TimeoutSeconds = 5;
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastInterval = TimeSpan.FromMinutes(5);
    private CancellationTokenSource? _running;

    public void Start()
    {
        Stop();
        _running = new CancellationTokenSource();
        _ = ReadAsync(_running.Token);
    }

    public void Stop() => Interlocked.Exchange(ref _running, null)?.Cancel();

    private async Task ReadAsync(CancellationToken ct)
    {
        var interval = FirstInterval;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var version = GuestAgentFacts.Version(await host.AgentCommandAsync("""{"execute":"guest-info"}""", TimeoutSeconds, ct).ConfigureAwait(false));
                var os = GuestAgentFacts.Os(await host.AgentCommandAsync("""{"execute":"guest-get-osinfo"}""", TimeoutSeconds, ct).ConfigureAwait(false));
                var links = GuestAgentFacts.Interfaces(await host.AgentCommandAsync("""{"execute":"guest-network-get-interfaces"}""", TimeoutSeconds, ct).ConfigureAwait(false));
                host.Update(o => o with { GuestAgent = new GuestAgentObservation(true, version, os), Interfaces = GuestAgentFacts.Merge(o.Interfaces, links) });
            }
            catch (Exception e) when (e is LibvirtException or JsonException)
            {
                // The agent came and went, or does not know the command; it is asked again.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                await Task.Delay(interval, time, ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            interval = interval * 2 < LastInterval ? interval * 2 : LastInterval;
        }
    }
}

/// <summary>The guest agent's answers, <c>{"return": …}</c>.</summary>
internal static class GuestAgentFacts
{
    public static string? Version(string json) => Return(json).TryGetProperty("version", out var version) ? version.GetString() : null;

    public static GuestOsObservation Os(string json)
    {
        var os = Return(json);
        return new GuestOsObservation(Text("id"), Text("name"), Text("pretty-name"), Text("version"), Text("version-id"), Text("kernel-release"), Text("kernel-version"), Text("machine"));

        string? Text(string name) => os.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    /// <summary>The loopback device is nobody's business.</summary>
    public static IReadOnlyList<InterfaceObservation> Interfaces(string json) =>
    [
        .. from link in Return(json).EnumerateArray()
           let name = link.GetProperty("name").GetString()
           where name != "lo"
           select new InterfaceObservation(null, link.TryGetProperty("hardware-address", out var mac) ? mac.GetString() : null, name,
               link.TryGetProperty("ip-addresses", out var addresses) ? [.. addresses.EnumerateArray().Select(a => a.GetProperty("ip-address").GetString()!)] : [], "guest-agent"),
    ];

    /// <summary>An interface of the domain is known by its MAC; the addresses of a masqueraded guest stay those of its pod.</summary>
    public static IReadOnlyList<InterfaceObservation> Merge(IReadOnlyList<InterfaceObservation> known, IReadOnlyList<InterfaceObservation> fromAgent)
    {
        var domain = known.Where(k => k.Name is not null).Select(k => fromAgent.FirstOrDefault(a => Same(a.Mac, k.Mac)) is { } seen
            ? k with { InterfaceName = seen.InterfaceName, InfoSource = "domain, guest-agent" }
            : k with { InfoSource = "domain" }).ToList();
        return [.. domain, .. fromAgent.Where(a => domain.All(d => !Same(a.Mac, d.Mac)))];
    }

    private static bool Same(string? a, string? b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static JsonElement Return(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("return").Clone();
    }
}
