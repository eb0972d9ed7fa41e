using Troupe.ControlPlane.Admission;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Whether a machine gives its guest what the preference says that it needs.</summary>
public static class PreferenceRequirementsCheck
{
    /// <param name="spec">The instance's spec as it will be, sized by the instance type.</param>
    /// <returns>The path of what is too small (below `spec`; several fields are parted by commas), and why; null when all is met.</returns>
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
        var (sockets, cores, threads) = (cpu?.Sockets ?? 0, cpu?.Cores ?? 0, cpu?.Threads ?? 0);
        var (given, provided, fields) = (CpuTopology.Preferred(preference), CpuTopology.Spread(preference).Across) switch
        {
            ("cores", _) => (cores, "cores", "cores"),
            ("threads", _) => (threads, "threads", "threads"),
            ("spread", "CoresThreads") => (cores * threads, "CoresThreads", "cores threads"),
            ("spread", "SocketsCoresThreads") => (sockets * cores * threads, "SocketsCoresThreads", "sockets cores threads"),
            ("spread", _) => (sockets * cores, "SocketsCores", "sockets cores"),
            ("any", _) => (cores * sockets * threads, "cores, sockets and threads", "cores sockets threads"),
            _ => (sockets, "sockets", "sockets"),
        };
        return given >= required
            ? null
            : (string.Join(", spec.", fields.Split(' ').Select(f => $"template.spec.domain.cpu.{f}")),
                $"insufficient CPU resources of {given} vCPU provided by VirtualMachine, preference requires {required} vCPU provided as {provided}");
    }

    /// <summary>What the machine says of its memory counts before what its instance type gives.</summary>
    private static (string, string)? Memory(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec? instancetype, PreferenceRequirements needs)
    {
        var given = spec.Domain?.Memory?.Guest ?? instancetype?.Memory?.Guest ?? new Quantity("0");
        if (needs.Memory?.Guest is not { } required || given.Value >= required.Value)
            return null;
        var (path, by) = instancetype is null ? ("template.spec.domain.memory", "VirtualMachine") : ("instancetype", "instance type");
        return (path, $"insufficient Memory resources of {Quantities.Canonical(given)} provided by {by}, preference requires {Quantities.Canonical(required)}");
    }

    private static (string, string)? Architecture(VirtualMachineInstanceSpec spec, PreferenceRequirements needs) =>
        needs.Architecture is { } required && spec.Architecture != required
            ? ("template.spec.architecture", $"preference requires architecture {required} but {spec.Architecture} is being requested")
            : null;
}
