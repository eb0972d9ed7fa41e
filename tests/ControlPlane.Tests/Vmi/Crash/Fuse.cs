namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>When the process dies, counted in steps: journal writes, API calls and commands to nodes.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Before">The step is not carried out any more; else it is, and nothing is heard of it.</param>
internal sealed record CrashPoint(int Step, bool Before)
{
    public override string ToString() => $"{(Before ? "before" : "after")} step {Step}";
}

/// <summary>One incarnation of the actor: from the point on, nothing that it does reaches the world.</summary>
internal sealed class Fuse(CrashPoint? point, Action onBlow)
{
    private readonly Lock _lock = new();
    private readonly List<string> _steps = [];

    public bool IsBlown { get; private set; }

    public IReadOnlyList<string> Steps => _steps;

    /// <summary>Carries the step out, unless the process is dead by then; false when nobody will hear of its result.</summary>
    public bool Pass(string step, Action carryOut)
    {
        lock (_lock)
        {
            if (IsBlown)
                return false;
            _steps.Add(step);
            var hit = point?.Step == _steps.Count;
            if (!hit || !point!.Before)
                carryOut();
            IsBlown = hit;
        }

        if (IsBlown)
            onBlow();
        return !IsBlown;
    }
}
