using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>`spec.runStrategy` of a machine.</summary>
public static class RunStrategies
{
    public const string Always = "Always";
    public const string RerunOnFailure = "RerunOnFailure";
    public const string Manual = "Manual";
    public const string Halted = "Halted";
    public const string Once = "Once";
    public const string WaitAsReceiver = "WaitAsReceiver";

    /// <summary>The strategy in force; `spec.running` is the old way to say Always or Halted.</summary>
    public static string Of(VirtualMachineSpec? spec) => spec switch
    {
        { RunStrategy: { Length: > 0 } strategy } => strategy,
        { Running: true } => Always,
        _ => Halted,
    };

    /// <summary>Whether failures to start are counted and retried more and more rarely.</summary>
    public static bool RetriesStart(string strategy) => strategy is Always or RerunOnFailure or Once;
}

/// <summary>What a strategy asks for now.</summary>
/// <param name="Requests">What is left of the requested state changes.</param>
/// <param name="SetRunStrategy">The strategy to write into the spec, when a request implies it.</param>
public sealed record RunDecision(IReadOnlyList<VirtualMachineStateChangeRequest> Requests, bool Start = false, bool Stop = false, string? SetRunStrategy = null);

/// <summary>The table of run strategies: what to do with the instance there is, or with none.</summary>
public static class RunStrategyRules
{
    /// <param name="lastStrategy">The strategy that was last acted on; a change to RerunOnFailure starts the machine once.</param>
    public static RunDecision Decide(string strategy, string? lastStrategy, VirtualMachineInstance? instance, IReadOnlyList<VirtualMachineStateChangeRequest> requests)
    {
        requests = StateChanges.Outstanding(requests, instance);
        var start = requests is [{ Action: StateChanges.Start }, ..];
        var stop = instance is not null && requests is [{ Action: StateChanges.Stop }, ..];
        var decision = new RunDecision(requests);
        return (strategy, instance) switch
        {
            (RunStrategies.Always or RunStrategies.Once or RunStrategies.WaitAsReceiver, null) => decision with { Start = true },
            (RunStrategies.Always, _) when stop || instance!.IsFinal() => decision with { Stop = true },
            (RunStrategies.RerunOnFailure, null) => decision with { Start = start || lastStrategy != strategy },
            (RunStrategies.RerunOnFailure, { Status.Phase: VmiPhases.Failed }) when !stop => decision with { Stop = true, Requests = StateChanges.WithStart(requests) },
            (RunStrategies.RerunOnFailure, _) when stop || instance!.IsFinal() => decision with { Stop = true },
            (RunStrategies.Manual, null) => decision with { Start = start },
            (RunStrategies.Manual or RunStrategies.Once or RunStrategies.WaitAsReceiver, _) => decision with { Stop = stop },
            // Only a start with options is left as a request on a halted machine; the plain one changes the strategy itself.
            (RunStrategies.Halted, null) => decision with { SetRunStrategy = start ? RunStrategies.Always : null },
            (RunStrategies.Halted, _) => decision with { Stop = true },
            _ => decision,
        };
    }
}
