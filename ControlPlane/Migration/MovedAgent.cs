using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Migration;

/// <summary>
/// A guest's agent moves along with it and speaks to its new launcher within moments. Until then the VMI goes on telling what it said before:
/// that it was gone for a second would be no news, and two writes.
/// </summary>
internal static class MovedAgent
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>How long it is still waited for; null when it has spoken, was not there before, or is late.</summary>
    public static TimeSpan? Left(VmiState state, DateTimeOffset now) =>
        state is { Domain: null or { GuestAgent: null }, Vmi.Status.Conditions: { } conditions }
            && conditions.Any(c => c is { Type: Conditions.AgentConnected, Status: "True" })
            && state.Moving.Past.LastOrDefault() is { Step: MigrationStep.HandedOver, EndedAt: { } at } last && last.TargetEpoch == state.Right?.Epoch
            && at + Patience - now is { Ticks: > 0 } left ? left : null;

    /// <summary>One that does not come is told of, too.</summary>
    public static IEnumerable<VmiEffect> Effects(VmiState state, DateTimeOffset now) => Left(state, now) is { } left ? [new VmiEffect.LookAgain(left)] : [];

    /// <summary>The interfaces as the agent saw them, with what the new launcher knows better.</summary>
    public static IReadOnlyList<VirtualMachineInstanceNetworkInterface> Merge(IReadOnlyList<VirtualMachineInstanceNetworkInterface> known, IReadOnlyList<VirtualMachineInstanceNetworkInterface> now) =>
    [
        .. now.Select(i => known.FirstOrDefault(k => k.Name is not null && k.Name == i.Name) is { } before ? i with { InterfaceName = i.InterfaceName ?? before.InterfaceName, InfoSource = before.InfoSource } : i),
        .. known.Where(k => k.Name is null && now.All(i => i.Mac != k.Mac)),
    ];
}
