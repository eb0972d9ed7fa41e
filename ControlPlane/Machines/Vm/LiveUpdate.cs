using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>What a changed template means for the running instance.</summary>
/// <param name="Instance">The instance's spec as it should become; what can change while the guest runs is changed in it.</param>
/// <param name="RestartRequired">Why the rest takes a restart; null when it takes none.</param>
public sealed record LiveUpdateOutcome(VirtualMachineInstanceSpec Instance, string? RestartRequired);

/// <summary>Divides a change of the template into what the running instance can take and what needs a restart.</summary>
public static class LiveUpdate
{
    public const string NotLiveUpdatable = "a non-live-updatable field was changed in the template spec";

    /// <param name="started">The template that the instance was made from.</param>
    /// <param name="wanted">The template as it is now.</param>
    /// <param name="instance">The running instance's spec.</param>
    public static LiveUpdateOutcome Decide(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance, MachineConfig config)
    {
        (started, wanted) = (MemoryDumps.WithoutAny(started), MemoryDumps.WithoutAny(wanted));
        if (!config.LiveUpdate)
            return new(instance, Same(started, wanted) ? null : NotLiveUpdatable);
        var updated = Placement(wanted, instance);
        updated = LiveDevices.Apply(wanted, updated);
        var (withCpu, cpuProblem) = LiveResources.Sockets(started, wanted, updated, config);
        var (withMemory, memoryProblem) = LiveResources.Memory(started, wanted, withCpu);
        return new(withMemory, cpuProblem ?? memoryProblem ?? (Same(Neutral(started), Neutral(wanted)) && LiveDevices.Covers(started, wanted, instance) ? null : NotLiveUpdatable));
    }

    /// <summary>Where the instance may run; it takes effect with the next migration.</summary>
    private static VirtualMachineInstanceSpec Placement(VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance) => instance with
    {
        NodeSelector = wanted.NodeSelector,
        Affinity = wanted.Affinity,
        Tolerations = wanted.Tolerations,
    };

    /// <summary>The spec without what can be changed live; two specs that agree in the rest need no restart.</summary>
    private static VirtualMachineInstanceSpec Neutral(VirtualMachineInstanceSpec spec)
    {
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        return spec with
        {
            NodeSelector = null,
            Affinity = null,
            Tolerations = null,
            Volumes = null,
            Networks = null,
            Domain = domain with
            {
                Cpu = (domain.Cpu ?? new CPU()) with { Sockets = null },
                Memory = (domain.Memory ?? new Memory()) with { Guest = null },
                Devices = devices with { Disks = null, Interfaces = null },
                // The mutating webhook fills a missing UUID in; the guest has had it all the time.
                Firmware = (domain.Firmware ?? new Firmware()) with { Uuid = null },
            },
        };
    }

    public static bool Same(VirtualMachineInstanceSpec? a, VirtualMachineInstanceSpec? b) => JsonNode.DeepEquals(Json(a), Json(b));

    public static JsonObject Json(VirtualMachineInstanceSpec? spec) =>
        JsonSerializer.SerializeToNode(spec ?? new VirtualMachineInstanceSpec(), ApiJson.Default.VirtualMachineInstanceSpec)!.AsObject();
}
