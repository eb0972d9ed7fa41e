using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Whether a machine gives its guest what the preference says that it needs.</summary>
public static class PreferenceRequirementsCheck
{
    /// <param name="spec">The instance's spec as it will be, sized by the instance type.</param>
    /// <returns>The path of the field that is too small (below `spec`), and why; null when all is met.</returns>
    public static (string Path, string Message)? Problem(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec? preference)
    {
        if (preference?.Requirements is not { } needs)
            return null;
        return Cpu(spec, instancetype, preference, needs) ?? Memory(spec, instancetype, needs) ?? Architecture(spec, needs);
    }

    private static (string, string)? Cpu(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec preference, PreferenceRequirements needs)
    {
        if (needs.Cpu?.Guest is not { } required)
            return null;
        if (instancetype is not null)
        {
            return instancetype.Cpu?.Guest >= required
                ? null
                : ("instancetype", $"insufficient CPU resources of {instancetype.Cpu?.Guest ?? 0} vCPU provided by instance type, preference requires {required} vCPU");
        }

        var cpu = spec.Domain?.Cpu;
        var (given, provided, field) = CpuTopology.Preferred(preference) switch
        {
            "cores" => (cpu?.Cores ?? 0, "cores", "cores"),
            "threads" => (cpu?.Threads ?? 0, "threads", "threads"),
            "spread" => Spread(cpu, preference),
            "any" => ((cpu?.Sockets ?? 1) * (cpu?.Cores ?? 1) * (cpu?.Threads ?? 1), "any", ""),
            _ => (cpu?.Sockets ?? 0, "sockets", "sockets"),
        };
        return given >= required
            ? null
            : ($"template.spec.domain.cpu{(field.Length == 0 ? "" : "." + field)}", $"insufficient CPU resources of {given} vCPU provided by VirtualMachine, preference requires {required} vCPU provided as {provided}");
    }

    private static (long, string, string) Spread(CPU? cpu, VirtualMachinePreferenceSpec preference) => CpuTopology.Spread(preference).Across switch
    {
        "CoresThreads" => ((cpu?.Cores ?? 1) * (cpu?.Threads ?? 1), "CoresThreads", ""),
        "SocketsCoresThreads" => ((cpu?.Sockets ?? 1) * (cpu?.Cores ?? 1) * (cpu?.Threads ?? 1), "SocketsCoresThreads", ""),
        _ => ((cpu?.Sockets ?? 1) * (cpu?.Cores ?? 1), "SocketsCores", ""),
    };

    private static (string, string)? Memory(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec? instancetype, PreferenceRequirements needs)
    {
        if (needs.Memory?.Guest is not { } required)
            return null;
        if (instancetype is not null)
        {
            return instancetype.Memory?.Guest?.Value >= required.Value
                ? null
                : ("instancetype", $"insufficient Memory resources of {instancetype.Memory?.Guest} provided by instance type, preference requires {required}");
        }

        var given = spec.Domain?.Memory?.Guest;
        return given?.Value >= required.Value
            ? null
            : ("template.spec.domain.memory", $"insufficient Memory resources of {given?.Text ?? "0"} provided by VirtualMachine, preference requires {required}");
    }

    private static (string, string)? Architecture(VirtualMachineInstanceSpec spec, PreferenceRequirements needs) =>
        needs.Architecture is { Length: > 0 } required && spec.Architecture != required
            ? ("template.spec.architecture", $"preference requires architecture {required} but {spec.Architecture} is being requested")
            : null;
}
