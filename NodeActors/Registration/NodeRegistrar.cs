using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Hosting;

namespace Troupe.NodeActors.Registration;

/// <summary>Keeps the Node object's labels and heartbeat.</summary>
public sealed class NodeRegistrar(IKubeClient kubernetes, NodeAgentOptions options, TimeProvider time, ILogger<NodeRegistrar> log) : BackgroundService
{
    /// <summary>KubeVirt's interval; up to a fifth is added at random so that a large cluster's nodes do not write at once.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(15));
        NodeCapabilities? capabilities = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan delay;
            try
            {
                capabilities ??= await CapabilitiesReader.ReadAsync(options, stoppingToken);
                await BeatAsync(capabilities, schedulable: true, stoppingToken);
                backoff.Reset();
                delay = Interval * (1 + (Random.Shared.NextDouble() * 0.2));
            }
            catch (Exception e) when (e is HttpRequestException or KubeException or IOException)
            {
                log.LogWarning("node {Node} is not registered, trying again: {Error}", options.Node, e.Message);
                delay = backoff.Next();
            }

            await Task.Delay(delay, time, stoppingToken);
        }
    }

    private async Task BeatAsync(NodeCapabilities capabilities, bool schedulable, CancellationToken ct)
    {
        var node = await kubernetes.GetAsync<Node>(null, options.Node, ct);
        var patch = NodeLabels.Patch(node.Metadata.Labels ?? new Dictionary<string, string>(), capabilities, schedulable, time.GetUtcNow());
        await kubernetes.PatchAsync<Node>(null, options.Node, PatchType.Merge, patch, ct: ct);
    }
}
