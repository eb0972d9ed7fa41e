using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// Interfaces on secondary networks that come and go while the guest runs: the pod's annotation asks Multus (its dynamic networks
/// controller) for the device → Multus says that the pod has it → the node agent bridges it and the launcher attaches it; and out again in
/// reverse order.
/// </summary>
internal static class GuestNics
{
    public const string Absent = "absent";
    private const string MultusSource = "multus-status";

    /// <summary>The running pod's annotation follows the spec; told again until the pod shows it.</summary>
    public static IEnumerable<VmiEffect> Effects(VmiState state, VirtualMachineInstance vmi)
    {
        if (state.Pod is not { Deleting: false } pod)
            yield break;
        // What the guest still has stays, even if the spec has lost it altogether.
        var kept = Secondary(vmi).Where(n => !IsAbsent(vmi, n.Name)).Select(n => n.Name).Concat(state.Domain!.Interfaces.Select(i => i.Name)).OfType<string>().Select(PodInterfaces.Secondary);
        var removed = LauncherNetworks.Devices(pod.Networks).Where(PodInterfaces.IsSecondary).Except(kept).ToHashSet();
        if (LauncherNetworks.Followed(pod.Networks, vmi, [.. Pluggable(vmi)], removed) is { } networks)
            yield return new VmiEffect.SetNetworks(pod.Name, pod.Uid, networks);
    }

    /// <summary>The VMI without the interfaces that are still on their way: neither the guest nor its pod has them.</summary>
    public static VirtualMachineInstance AsFarAsThere(VmiState state, VirtualMachineInstance vmi)
    {
        var has = state.Pod?.AttachedDevices ?? [];
        return Without(vmi,
        [
            .. Pluggable(vmi).Where(n => !Has(state, n.Name) && !has.Contains(PodInterfaces.Secondary(n.Name!))),
            // Only a pod that was made for it has a function. Few guests have any: the annotation is read for those alone.
            .. Functions(vmi).Where(n => state.Pod is { } pod && !Has(state, n.Name) && !LauncherNetworks.Devices(pod.Networks).Contains(PodInterfaces.Secondary(n.Name!))),
        ]);
    }

    /// <summary>The VMI as it comes to another node: what it has not got here comes after it, and so do network functions, which are of their host.</summary>
    public static VirtualMachineInstance AsItTravels(VmiState state, VirtualMachineInstance vmi) =>
        Without(vmi, [.. Pluggable(vmi).Where(n => !Has(state, n.Name)), .. Functions(vmi)]);

    private static VirtualMachineInstance Without(VirtualMachineInstance vmi, IReadOnlyList<Network> networks)
    {
        var awaited = networks.Select(n => n.Name).ToHashSet();
        return awaited.Count == 0 ? vmi : vmi with
        {
            Spec = vmi.Spec! with
            {
                Networks = [.. vmi.Spec.Networks!.Where(n => !awaited.Contains(n.Name))],
                Domain = vmi.Spec.Domain! with { Devices = vmi.Spec.Domain.Devices! with { Interfaces = [.. vmi.Spec.Domain.Devices.Interfaces!.Where(i => !awaited.Contains(i.Name))] } },
            },
        };
    }

    /// <summary>Interfaces of the status: the domain's, with what Multus says; and what the pod has and the guest has not yet.</summary>
    public static IReadOnlyList<VirtualMachineInstanceNetworkInterface> Shown(VmiState state, VirtualMachineInstance vmi, IEnumerable<VirtualMachineInstanceNetworkInterface> ofDomain)
    {
        var secondary = Secondary(vmi).ToDictionary(n => n.Name!, n => PodInterfaces.Secondary(n.Name!));
        var attached = secondary.Where(s => state.Pod?.AttachedDevices.Contains(s.Value) is true && !IsAbsent(vmi, s.Key)).ToDictionary();
        var shown = ofDomain.Select(i => i.Name is not { } name ? i : i with
        {
            PodInterfaceName = secondary.GetValueOrDefault(name, PodInterfaces.Primary),
            InfoSource = attached.ContainsKey(name) ? $"{i.InfoSource}, {MultusSource}" : i.InfoSource,
        }).ToList();
        shown.AddRange(attached.Where(a => shown.All(i => i.Name != a.Key)).Select(a => new VirtualMachineInstanceNetworkInterface { Name = a.Key, InfoSource = MultusSource, PodInterfaceName = a.Value }));
        return shown;
    }

    public static IEnumerable<Network> Secondary(VirtualMachineInstance vmi) => (vmi.Spec?.Networks ?? []).Where(n => n.Multus is { Default: not true });

    /// <summary>Only a bridged one: the device of any other is the pod's from its start.</summary>
    private static IEnumerable<Network> Pluggable(VirtualMachineInstance vmi) => Secondary(vmi).Where(n => Nic(vmi, n.Name) is { Bridge: not null, State: not Absent });

    /// <summary>Virtual functions (SR-IOV): they come with a pod, and so by a migration.</summary>
    private static IEnumerable<Network> Functions(VirtualMachineInstance vmi) => Secondary(vmi).Where(n => Nic(vmi, n.Name) is { Sriov: not null, State: not Absent });

    private static bool IsAbsent(VirtualMachineInstance vmi, string? name) => Nic(vmi, name)?.State is Absent;

    public static bool Has(VmiState state, string? name) => state.Domain!.Interfaces.Any(i => i.Name == name);

    public static Interface? Nic(VirtualMachineInstance vmi, string? name) => vmi.Spec?.Domain?.Devices?.Interfaces?.FirstOrDefault(i => i.Name == name);
}
