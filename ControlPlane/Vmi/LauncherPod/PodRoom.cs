using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>
/// A guest grows in the pod that it is in, but not beyond what the pod's container is limited to: its memory would be taken from it by the
/// kernel. What is more has to wait for a migration, whose target pod has the limits of today's spec.
/// </summary>
internal static class PodRoom
{
    public static PodLimits Limits(ContainerResources? resources)
    {
        var limits = resources?.Limits ?? new Dictionary<string, Quantity>();
        var hugepages = limits.Where(l => l.Key.StartsWith("hugepages-", StringComparison.Ordinal)).Select(l => (long?)l.Value.Units).FirstOrDefault();
        return new PodLimits(limits.TryGetValue("cpu", out var cpu) ? cpu.Milli : null, limits.TryGetValue("memory", out var memory) ? memory.Units : null, hugepages);
    }

    /// <summary>The VMI as large as it may become where it is.</summary>
    public static VirtualMachineInstance AsFarAsThere(VmiState state, VirtualMachineInstance vmi)
    {
        if (state is not { Pod: { } pod, Domain: { } has, Right: not null } || pod.Limits == PodLimits.None || vmi.Spec?.Domain is not { } domain)
            return vmi;
        var sockets = domain.Cpu?.Sockets > has.Cpus?.Sockets ? has.Cpus!.Sockets : default(long?);
        var bytes = domain.Memory?.Guest?.Units > has.Memory?.GuestRequestedBytes ? has.Memory!.GuestRequestedBytes : default(long?);
        // Asked with every news of the guest, which as a rule does not grow.
        if (sockets is null && bytes is null)
            return vmi;
        var wanted = Limits(LauncherResources.Of(VmiDefaults.Apply(vmi), new LauncherPodOptions("", UseEmulation: true) { Settings = state.Settings }));
        if (sockets is not null && wanted.CpuMilli > pod.Limits.CpuMilli)
            domain = domain with { Cpu = domain.Cpu! with { Sockets = sockets } };
        if (bytes is { } requested && (wanted.MemoryBytes > pod.Limits.MemoryBytes || wanted.HugepagesBytes > pod.Limits.HugepagesBytes))
            domain = domain with { Memory = domain.Memory! with { Guest = Quantity.FromBytes(requested) } };
        return vmi with { Spec = vmi.Spec with { Domain = domain } };
    }
}
