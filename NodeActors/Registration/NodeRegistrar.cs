using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Hosting;

namespace Troupe.NodeActors.Registration;

/// <summary>Keeps the Node object's labels and heartbeat.</summary>
public sealed class NodeRegistrar(IKubeClient kubernetes, ICapabilitiesReader reader, NodeAgentOptions options, TimeProvider time, ILogger<NodeRegistrar> log) : BackgroundService
{
    /// <summary>KubeVirt's interval; up to a fifth is added at random so that a large cluster's nodes do not write at once.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    /// <summary>The API server may be on its way down, too.</summary>
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(2);
    private bool _isRegistered;

    /// <summary>No new guests while there is no agent; those that run go on.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!_isRegistered)
            return;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(FarewellPatience);
        try
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [Labels.Schedulable] = "false" } } };
            await kubernetes.PatchAsync<Node>(null, options.Node, PatchType.Merge, patch, ct: deadline.Token);
        }
        catch (Exception e) when (IsPassing(e))
        {
            log.LogWarning("node {Node} is still marked as schedulable: {Error}", options.Node, e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(15));
        NodeCapabilities? capabilities = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan delay;
            try
            {
                var node = await kubernetes.GetAsync<Node>(null, options.Node, stoppingToken);
                if (capabilities?.HasKvm != OffersKvm(node))
                    capabilities = await reader.ReadAsync(OffersKvm(node), stoppingToken);
                await BeatAsync(node, capabilities, stoppingToken);
                backoff.Reset();
                delay = Interval * (1 + (Random.Shared.NextDouble() * 0.2));
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested && IsPassing(e))
            {
                log.LogWarning("node {Node} is not registered, trying again: {Error}", options.Node, e.Message);
                delay = backoff.Next();
            }

            await Task.Delay(delay, time, stoppingToken);
        }
    }

    /// <summary>Whether /dev/kvm works is found out by whoever hands it to pods; this node's guests get what it offers.</summary>
    private static bool OffersKvm(Node node) => node.Status?.Allocatable?.TryGetValue(DeviceResources.Kvm, out var kvm) is true && kvm.Value > 0;

    private async Task BeatAsync(Node node, NodeCapabilities capabilities, CancellationToken ct)
    {
        var patch = NodeLabels.Patch(node.Metadata.Labels ?? new Dictionary<string, string>(), capabilities, schedulable: true, time.GetUtcNow());
        await kubernetes.PatchAsync<Node>(null, options.Node, PatchType.Merge, patch, ct: ct);
        _isRegistered = true;
    }

    /// <summary>A cancellation that nobody here asked for is HttpClient's timeout.</summary>
    private static bool IsPassing(Exception e) => e is HttpRequestException or KubeException or IOException or OperationCanceledException;
}
