using Troupe.ControlPlane.Machines;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Subresources;

/// <summary>The instance that a request is about, named itself or by its machine, whose name it bears.</summary>
internal static class InstanceLookup
{
    public static async Task<(Refusal? Refusal, VirtualMachineInstance? Instance)> FindAsync(IKubeClient kubernetes, string ns, string name, CancellationToken ct) =>
        await kubernetes.FindAsync<VirtualMachineInstance>(ns, name, ct) is { } vmi ? (null, vmi) : (Refusal.NotFound(Refusal.Instances, name), null);

    /// <param name="stranger">What is said of an instance that is not the machine's.</param>
    public static async Task<(Refusal? Refusal, VirtualMachineInstance? Instance)> FindOfMachineAsync(IKubeClient kubernetes, string ns, string name, string stranger, CancellationToken ct)
    {
        if (await kubernetes.FindAsync<VirtualMachine>(ns, name, ct) is not { } machine)
            return (Refusal.NotFound(Refusal.Machines, name), null);
        if (machine.Status?.Created is not true)
            return (Refusal.Conflict(Refusal.Machines, name, "VMI is not started"), null);
        var (refusal, vmi) = await FindAsync(kubernetes, ns, name, ct);
        return refusal is null && !OwnerReferences.IsOwned(vmi!, machine.Metadata.Uid!) ? (Refusal.Internal(stranger), null) : (refusal, vmi);
    }
}
