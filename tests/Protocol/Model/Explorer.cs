using System.Diagnostics;
using System.Text;

namespace Troupe.Protocol.Tests.Model;

/// <param name="Problem">A broken law and the way to it; null when there is none.</param>
internal sealed record Exploration(int States, long Transitions, int Ends, TimeSpan Took, string? Problem);

/// <summary>Breadth first through every world that can be reached, so that the way to a broken law is a shortest one.</summary>
internal sealed class Explorer(Cores cores, int faults, int attempts)
{
    private readonly IReadOnlyList<Move> _moves = Moves.All(new Parties(cores), attempts);
    private readonly Dictionary<UInt128, int> _known = [];
    private readonly List<(int Parent, byte Move)> _ways = [];

    /// <summary>Normal steps backwards, for the question from where an end can be reached.</summary>
    private readonly List<(int From, int To)> _steps = [];
    private readonly List<int> _ends = [];

    public Exploration Run()
    {
        var watch = Stopwatch.StartNew();
        var queue = new Queue<(World World, int Id)>();
        long transitions = 0;
        string? problem = null;
        Visit(new World(), -1, 0);
        while (queue.TryDequeue(out var at) && problem is null)
        {
            for (var i = 0; i < _moves.Count && problem is null; i++)
            {
                var move = _moves[i];
                if ((move.Kind is Kind.Fault && at.World.Faults >= faults) || !move.Can(at.World))
                    continue;
                var next = at.World.Clone();
                move.Do(next);
                Moves.Report(next);
                transitions++;
                var id = Visit(next, at.Id, (byte)i);
                if (move.Kind is Kind.Normal && id != at.Id)
                    _steps.Add((at.Id, id));
            }
        }

        problem ??= Endless();
        return new Exploration(_ways.Count, transitions, _ends.Count, watch.Elapsed, problem);

        int Visit(World world, int parent, byte move)
        {
            var key = world.Key();
            if (_known.TryGetValue(key, out var known))
                return known;
            var id = _ways.Count;
            _known[key] = id;
            _ways.Add((parent, move));
            if (Laws.BrokenBy(world) is { } law)
                problem = $"{law}:\n{WayTo(id)}";
            if (world.IsEnded)
                _ends.Add(id);
            queue.Enqueue((world, id));
            return id;
        }
    }

    /// <summary>Every migration ends: from every world, without another fault, there is a way to an end.</summary>
    private string? Endless()
    {
        var backwards = _steps.ToLookup(s => s.To, s => s.From);
        var ending = new bool[_ways.Count];
        var stack = new Stack<int>(_ends);
        while (stack.TryPop(out var id))
        {
            if (ending[id])
                continue;
            ending[id] = true;
            foreach (var from in backwards[id])
                stack.Push(from);
        }

        var stuck = Array.IndexOf(ending, false);
        return stuck < 0 ? null : $"the migration never ends:\n{WayTo(stuck)}";
    }

    private string WayTo(int id)
    {
        List<string> names = [];
        for (var at = id; _ways[at].Parent >= 0; at = _ways[at].Parent)
            names.Add(_moves[_ways[at].Move].Name);
        names.Reverse();
        var text = new StringBuilder();
        for (var i = 0; i < names.Count; i++)
            text.AppendLine($"  {i + 1,2}. {names[i]}");
        return text.ToString();
    }
}
