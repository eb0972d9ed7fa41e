using System.Collections.Concurrent;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.NodeActors.Launchers;
using Troupe.NodeActors.Networking;

namespace Troupe.Stress.Simulation;

/// <summary>The hosts of a simulation: their launchers, the network between them, and who watches it all.</summary>
public sealed class SimulatedHosts
{
    public const string NoSpace = "No space left on device";
    private readonly ConcurrentDictionary<string, SimulatedLauncher> _launchers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SimulatedLauncher> _byAddress = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LastWord> _lastWords = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _fullDisks = new(StringComparer.Ordinal);

    public SimulatedHosts(TimeProvider time, SimulationTiming timing)
    {
        (Time, Timing, Ledger, Network) = (time, timing, new Ledger(time), new SimulatedNetwork(time, timing));
    }

    public TimeProvider Time { get; }

    public SimulationTiming Timing { get; }

    public Ledger Ledger { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>Launchers that live, by their pods' UIDs.</summary>
    public IReadOnlyDictionary<string, SimulatedLauncher> Launchers => _launchers;

    /// <summary>The address under which a guest's peers have known it since its boot, by the VMI's UID.</summary>
    public IReadOnlyDictionary<string, string> Sessions => _sessions;

    /// <summary>A launcher has ended, with this exit code; why, in words.</summary>
    public event Action<SimulatedLauncher, int, string>? Ended;

    /// <summary>No image can be written on this node, or one can again.</summary>
    public void FillDisk(string node, bool full)
    {
        if (full)
            _fullDisks[node] = 0;
        else
            _fullDisks.TryRemove(node, out _);
    }

    /// <summary>A launcher that ends leaves this in its pod's folder.</summary>
    internal void Leave(string podUid, LastWord word) => _lastWords[podUid] = word;

    internal LastWord? LastWord(string podUid) => _lastWords.GetValueOrDefault(podUid);

    internal bool HasFullDisk(string node) => _fullDisks.ContainsKey(node);

    /// <param name="address">The pod's, unique.</param>
    public SimulatedLauncher Start(string node, string podUid, string vmiUid, string address, TimeSpan grace)
    {
        var launcher = new SimulatedLauncher(this, node, podUid, vmiUid, address, grace);
        _launchers[podUid] = _byAddress[address] = launcher;
        return launcher;
    }

    internal void OpenSession(string vmiUid, string address) => _sessions[vmiUid] = address;

    internal SimulatedLauncher? ByAddress(string address) => _byAddress.GetValueOrDefault(address);

    internal void OnEnded(SimulatedLauncher launcher, int code, string why)
    {
        _launchers.TryRemove(launcher.PodUid, out _);
        _byAddress.TryRemove(launcher.Address, out _);
        Ended?.Invoke(launcher, code, why);
    }
}

/// <summary>A node agent's way to the simulated launchers of its node.</summary>
public sealed class SimulatedConnector(SimulatedHosts hosts) : ILauncherConnector
{
    public bool HasPod(string podUid) => hosts.Launchers.ContainsKey(podUid);

    public LastWord? LastWord(string podUid) => hosts.LastWord(podUid);

    public Task<ILauncher> ConnectAsync(string podUid, Action<DomainObservation> changed, Action closed, CancellationToken ct) =>
        hosts.Launchers.TryGetValue(podUid, out var launcher)
            ? Task.FromResult<ILauncher>(launcher.Connect(changed, closed))
            : Task.FromException<ILauncher>(new IOException($"no launcher answers in pod {podUid}"));
}

/// <summary>Networks that cost nothing; which addresses lead to a pod is remembered by its launcher.</summary>
public sealed class SimulatedPodNetworking(SimulatedHosts hosts) : IPodNetworking
{
    public Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, PodFacts pod, CancellationToken ct)
    {
        if (pod.Addresses is [var address, ..])
            hosts.ByAddress(address)?.Lead([.. pod.Addresses, .. pod.Kept]);
        return Task.FromResult<IReadOnlyList<PreparedInterface>>(
            [new PreparedInterface("default", "tap0", "k6t-eth0", "02:00:00:00:00:01", 1500, "10.0.2.2/24", "10.0.2.1", [], [], null, pod.Addresses)]);
    }

    public Task TidyAsync(int launcherPid, VirtualMachineInstance vmi, CancellationToken ct) => Task.CompletedTask;
}
