namespace Troupe.Launcher.Converter;

/// <summary>
/// The CPUs that a pod has for itself, by NUMA node and core. A core of the guest gets the threads of one core of the host as long as there are
/// whole ones, then threads of one node, and at last, where that may be, of several.
/// </summary>
internal sealed class CpuPool
{
    private readonly int _threadsPerCore;
    private readonly bool _mayCrossNodes;
    private readonly int _available;
    private readonly List<Node> _nodes;

    /// <param name="mayCrossNodes">Threads of one core may come from several NUMA nodes.</param>
    public CpuPool(HostFacts host, int threadsPerCore, bool mayCrossNodes)
    {
        (_threadsPerCore, _mayCrossNodes, _available) = (threadsPerCore, mayCrossNodes, host.Cpus.Count);
        var own = host.Cpus.ToHashSet();
        IEnumerable<IReadOnlyList<int>> nodes = host.NumaNodes.Count == 0 ? [host.Cpus] : host.NumaNodes.OrderBy(n => n.Key).Select(n => n.Value);
        HashSet<int> seen = [];
        _nodes = [.. nodes.Select(cpus => new Node(threadsPerCore, Cores(host, cpus, own, seen)))];
    }

    /// <summary>One thread for each vCPU, in the order of the guest's cores.</summary>
    /// <exception cref="UnsupportedSpecException">There are not enough.</exception>
    public IReadOnlyList<int> FitCores(int cores, string field)
    {
        List<int> threads = [];
        var wanted = cores * _threadsPerCore;
        foreach (var take in new Func<Node, IReadOnlyList<int>>[] { n => n.TakeCore(), n => n.TakeLoose(_threadsPerCore) })
        {
            foreach (var node in _nodes)
            {
                while (threads.Count < wanted && take(node) is { Count: > 0 } taken)
                    threads.AddRange(taken);
            }
        }

        if (_mayCrossNodes)
        {
            foreach (var node in _nodes)
                threads.AddRange(node.TakeLoose(wanted - threads.Count, orFewer: true));
        }

        if (threads.Count == wanted)
            return threads;
        var missing = (wanted - threads.Count + _threadsPerCore - 1) / _threadsPerCore;
        throw new UnsupportedSpecException(field, _mayCrossNodes || _available < wanted
            ? $"the pod may use {_available} CPUs, {wanted} are needed: not enough exclusive threads provided, could not fit {missing} core(s)"
            : $"could not fit {missing} core(s) without crossing numa cell boundaries for individual cores");
    }

    /// <summary>One more, for a thread of QEMU.</summary>
    /// <exception cref="UnsupportedSpecException">There is none left.</exception>
    public int FitThread(string field, string purpose) => _nodes.FirstOrDefault(n => !n.IsEmpty)?.TakeThread()
        ?? throw new UnsupportedSpecException(field, $"the pod may use {_available} CPUs, of which none is left for {purpose}");

    private static List<List<int>> Cores(HostFacts host, IReadOnlyList<int> cpus, HashSet<int> own, HashSet<int> seen)
    {
        List<List<int>> cores = [];
        foreach (var cpu in cpus.Where(c => !seen.Contains(c)))
        {
            var siblings = host.Siblings.TryGetValue(cpu, out var known) ? known : [cpu];
            seen.UnionWith(siblings);
            cores.Add([.. siblings.Where(own.Contains)]);
        }

        return cores;
    }

    private sealed class Node
    {
        private readonly int _threadsPerCore;
        private readonly List<List<int>> _whole = [];
        private readonly List<int> _loose = [];

        public Node(int threadsPerCore, List<List<int>> cores)
        {
            _threadsPerCore = threadsPerCore;
            foreach (var core in cores)
            {
                if (core.Count >= threadsPerCore)
                    _whole.Add(core);
                else
                    _loose.AddRange(core);
            }
        }

        public bool IsEmpty => _whole.Count == 0 && _loose.Count == 0;

        public IReadOnlyList<int> TakeCore() => _whole.Count == 0 ? [] : TakeOfWhole(_threadsPerCore);

        public IReadOnlyList<int> TakeLoose(int threads, bool orFewer = false)
        {
            if (!orFewer && _loose.Count < threads)
                return [];
            var taken = _loose.Take(threads).ToList();
            _loose.RemoveRange(0, taken.Count);
            return taken;
        }

        public int TakeThread() => _loose.Count > 0 ? TakeLoose(1)[0] : TakeOfWhole(1)[0];

        /// <summary>What is left of the core is whole as long as it would do for one of the guest's.</summary>
        private List<int> TakeOfWhole(int threads)
        {
            var core = _whole[0];
            var taken = core[..threads];
            if (core.Count - threads >= _threadsPerCore)
            {
                _whole[0] = core[threads..];
            }
            else
            {
                _whole.RemoveAt(0);
                _loose.AddRange(core[threads..]);
            }

            return taken;
        }
    }
}
