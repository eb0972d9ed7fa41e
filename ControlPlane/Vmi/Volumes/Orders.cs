using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>The orders to a node that carry a spec: to start a guest from it, and to bring a running guest after it.</summary>
internal static class Orders
{
    public static RunDomain Run(VmiState state, VirtualMachineInstance vmi)
    {
        var (right, spec) = (state.Right!, Complete(state, vmi));
        return new RunDomain(right.Node, state.Uid, right.Epoch, right.PodUid, state.Pod?.Addresses ?? [], spec) { Revision = SpecRevision.Of(spec, []), Bindings = state.Settings.BindingsOf(spec) };
    }

    public static UpdateDomain Update(VmiState state, VirtualMachineInstance vmi)
    {
        var (right, spec, volumes) = (state.Right!, Complete(state, GuestNics.AsFarAsThere(state, PodRoom.AsFarAsThere(state, vmi))), Hotplug.Available(state, vmi));
        return new UpdateDomain(right.Node, state.Uid, right.Epoch, state.Pod?.Addresses ?? [], Kept(state), spec) { Revision = SpecRevision.Of(spec, volumes), Volumes = volumes, Bindings = state.Settings.BindingsOf(spec) };
    }

    private static string[] Kept(VmiState state) =>
        state.Moving.Past.LastOrDefault(p => p.Step is MigrationStep.HandedOver)?.KeptAddresses.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>With defaults, and with what the launcher must know of claims even if the object does not show it yet.</summary>
    private static VirtualMachineInstance Complete(VmiState state, VirtualMachineInstance vmi) => VmiDefaults.Apply(vmi) with
    {
        Status = (vmi.Status ?? new VirtualMachineInstanceStatus()) with { VolumeStatus = VolumeProjection.Of(vmi.Status?.VolumeStatus, state, vmi) },
    };
}
