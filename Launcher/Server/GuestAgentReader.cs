using System.Text.Json;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Operations;

namespace Troupe.Launcher.Server;

/// <summary>Reads what the guest agent knows, when it connects and then ever more seldom: addresses may change without any event.</summary>
internal sealed class GuestAgentReader(DomainHost host, GuestAgent agent, AccessCredentials credentials, TimeProvider time)
{
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastInterval = TimeSpan.FromMinutes(5);
    private CancellationTokenSource? _running;

    public void Start()
    {
        Stop();
        _running = new CancellationTokenSource();
        credentials.Forget();
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
                var (seen, links) = await agent.ReadAsync(ct).ConfigureAwait(false);
                host.Update(o => o with { GuestAgent = seen, Interfaces = links is null ? o.Interfaces : AgentFacts.Merge(o.Interfaces, links) });
                await credentials.SyncAsync(ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LibvirtException or JsonException)
            {
                // The agent came and went; it is asked again.
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
