using System.Collections.Concurrent;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Stress.Simulation;

/// <summary>A launcher's open door for the one source whose certificate it was given.</summary>
internal sealed record OpenPort(SimulatedLauncher Launcher, string SourceCertificate, long Epoch);

/// <summary>The network between nodes: what is slow, what is cut, who listens.</summary>
public sealed class SimulatedNetwork(TimeProvider time, SimulationTiming timing)
{
    private readonly ConcurrentDictionary<string, OpenPort> _ports = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _flows = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _isolated = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, double> _slow = new(StringComparer.Ordinal);

    /// <summary>Ports that are open at this moment.</summary>
    public int OpenPorts => _ports.Count;

    /// <summary>Drops every packet between this node and all others, or lets them through again.</summary>
    public void Isolate(string node, bool isolated)
    {
        if (isolated)
            _isolated[node] = 0;
        else
            _isolated.TryRemove(node, out _);
    }

    public bool IsIsolated(string node) => _isolated.ContainsKey(node);

    /// <param name="factor">Of the link's speed; 1 for all of it.</param>
    public void Slow(string node, double factor) => _slow[node] = factor;

    internal bool IsCut(string from, string to) => from != to && (IsIsolated(from) || IsIsolated(to));

    /// <summary>What one of the flows between two nodes gets now.</summary>
    internal double BytesPerSecond(string from, string to) => Math.Min(Share(from), Share(to));

    internal void Flow(string from, string to, int change)
    {
        foreach (var node in (string[])[from, to])
            _flows.AddOrUpdate(node, change, (_, flows) => flows + change);
    }

    internal MigrationEndpoint? Listen(string address, OpenPort port) =>
        _ports.TryAdd(address, port) ? new MigrationEndpoint(address, MigrationProtocol.Port, port.Launcher.Certificate) : null;

    internal void Close(string address, SimulatedLauncher launcher)
    {
        if (_ports.TryGetValue(address, out var port) && port.Launcher == launcher)
            _ports.TryRemove(new KeyValuePair<string, OpenPort>(address, port));
    }

    /// <exception cref="IOException">Nobody listens there, nothing gets through, or one side does not show the certificate that it should.</exception>
    internal async Task<SimulatedLink> ConnectAsync(SimulatedLauncher source, MigrationEndpoint endpoint, long epoch)
    {
        var what = $"connecting to the target at {endpoint.Address}:{endpoint.Port}";
        var port = _ports.GetValueOrDefault(endpoint.Address);
        if (port is not null)
            await PassAsync(source.Node, port.Launcher.Node, timing.ConnectPatience).ConfigureAwait(false);
        await Task.Delay(timing.Latency, time).ConfigureAwait(false);
        if (!_ports.TryGetValue(endpoint.Address, out port))
            throw new IOException($"{what}: Connection refused");
        if (port.Launcher.Certificate != endpoint.Certificate)
            throw new IOException($"{what}: The remote certificate was rejected");
        if (port.SourceCertificate != source.Certificate || port.Epoch != epoch)
            throw new IOException($"{what}: the target closed the connection");
        return new SimulatedLink(this, source, port.Launcher, timing, time);
    }

    /// <summary>A packet that is dropped is sent again, until the sender's patience is over.</summary>
    /// <exception cref="IOException">Nothing got through.</exception>
    internal async Task PassAsync(string from, string to, TimeSpan patience)
    {
        var deadline = time.GetUtcNow() + patience;
        while (IsCut(from, to))
        {
            if (time.GetUtcNow() > deadline)
                throw new IOException($"nothing gets through from {from} to {to}");
            await Task.Delay(timing.CopyStep, time).ConfigureAwait(false);
        }
    }

    private double Share(string node) => timing.BytesPerSecond * _slow.GetValueOrDefault(node, 1) / Math.Max(1, _flows.GetValueOrDefault(node));
}
