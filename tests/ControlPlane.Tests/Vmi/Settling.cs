using Troupe.ControlPlane.Vmi;

namespace Troupe.ControlPlane.Tests.Vmi;

/// <summary>What the VmiActor does with the lifecycle's decisions, without journal and clock.</summary>
internal static class Settling
{
    /// <summary>Applies each step that is decided until none is left; the effects are those of the last decision.</summary>
    public static (VmiState State, IReadOnlyList<VmiEffect> Effects) Settle(this VmiState state, DateTimeOffset now, string podSuffix)
    {
        while (true)
        {
            var decision = VmiLifecycle.Decide(state, now, podSuffix);
            if (decision.Events.Count == 0)
                return (state, decision.Effects);
            state = decision.Events.Aggregate(state, (s, e) => s.Apply(e));
        }
    }
}
