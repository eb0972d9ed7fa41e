using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// Whether a change of a running guest's networks takes a move to a pod that is made for it: KubeVirt's condition MigrationRequired, which the
/// workload updater follows. A virtual function and another network under an interface always take one; a bridged interface does when nobody
/// attaches it to the pod that there is.
/// </summary>
internal static class NetworkMove
{
    /// <summary>So long Multus' dynamic networks controller, which not every cluster has, is waited for. KubeVirt's figure.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private enum Need
    {
        None,
        Later,
        Now,
    }

    /// <param name="before">The condition as it stands.</param>
    public static (string Status, string Reason)? Required(VmiState state, VirtualMachineInstanceCondition? before, DateTimeOffset now)
    {
        if (state.Moving.Ongoing is { IsSettled: false })
            return before is null ? null : (before.Status!, before.Reason!);
        return state is { Phase: VmiPhases.Running, Vmi: { } vmi } ? NeedOf(state, vmi) switch
        {
            Need.None => null,
            Need.Now => Due,
            _ => before?.Status is "True" || Left(before, now) <= TimeSpan.Zero ? Due : ("False", "AutoMigrationPending"),
        } : null;
    }

    public static IEnumerable<VmiEffect> Effects(VmiState state, VirtualMachineInstance vmi, DateTimeOffset now)
    {
        var before = vmi.Status?.Conditions?.FirstOrDefault(c => c.Type == Conditions.MigrationRequired);
        if (before?.Status is not "True" && NeedOf(state, vmi) is Need.Later && Left(before, now) is { Ticks: > 0 } left)
            yield return new VmiEffect.LookAgain(left);
    }

    private static (string Status, string Reason) Due => ("True", "AutoMigrationDueToLiveUpdate");

    private static TimeSpan Left(VirtualMachineInstanceCondition? before, DateTimeOffset now) => (before is { Status: "False", LastTransitionTime: { } since } ? since : now) + Patience - now;

    /// <summary>Where Multus says nothing of the pod there is none, and another pod would have no more networks.</summary>
    private static Need NeedOf(VmiState state, VirtualMachineInstance vmi) =>
        state is { Pod: { Deleting: false, NetworkStatus: not null } pod, Domain: not null }
            ? GuestNics.Secondary(vmi).Select(n => NeedOf(state, vmi, pod, n)).DefaultIfEmpty(Need.None).Max()
            : Need.None;

    private static Need NeedOf(VmiState state, VirtualMachineInstance vmi, PodObservation pod, Network network)
    {
        var device = PodInterfaces.Secondary(network.Name!);
        var (guestHas, podHas) = (GuestNics.Has(state, network.Name), pod.AttachedDevices.Contains(device));
        return GuestNics.Nic(vmi, network.Name) switch
        {
            null => Need.None,
            { State: GuestNics.Absent } => podHas && !guestHas ? Need.Later : Need.None,
            // A pod that was made for it has it, or never will.
            { Sriov: not null } when !guestHas && !podHas => LauncherNetworks.Devices(pod.Networks).Contains(device) ? Need.None : Need.Now,
            { Bridge: not null } when !guestHas && !podHas => Need.Later,
            _ when podHas && LauncherNetworks.NetworkOf(pod.NetworkStatus, device) is { } attached && attached != FullName(vmi, network) => Need.Now,
            _ => Need.None,
        };
    }

    /// <summary>As Multus reports networks.</summary>
    private static string FullName(VirtualMachineInstance vmi, Network network)
    {
        var (ns, name) = LauncherNetworks.Located(vmi, network.Multus!.NetworkName!);
        return $"{ns}/{name}";
    }
}
