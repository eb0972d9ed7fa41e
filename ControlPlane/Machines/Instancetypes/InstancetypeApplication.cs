using System.Globalization;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>Sizes an instance by an instance type and fills its gaps by a preference; also what `expand-spec` answers.</summary>
public static class InstancetypeApplication
{
    /// <returns>The spec, and the paths (below the spec) that both it and the instance type set; with conflicts, the spec is to be refused.</returns>
    public static (VirtualMachineInstanceSpec Spec, IReadOnlyList<string> Conflicts) Apply(
        VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec? preference)
    {
        if (instancetype is not null)
        {
            var conflicts = InstancetypeConflicts.Of(spec, instancetype);
            if (conflicts.Count > 0)
                return (spec, conflicts);
            spec = Size(spec, instancetype, preference);
        }

        return (preference is null ? spec : PreferenceApplication.Apply(spec, preference), []);
    }

    /// <summary>The machine as it would be without references: what `expand-spec` answers.</summary>
    public static (VirtualMachine Machine, IReadOnlyList<string> Conflicts) Expand(
        VirtualMachine machine, VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec? preference)
    {
        var template = machine.Spec?.Template ?? new VirtualMachineInstanceTemplateSpec();
        var (spec, conflicts) = Apply(template.Spec ?? new VirtualMachineInstanceSpec(), instancetype, preference);
        var annotations = new Dictionary<string, string>(template.Metadata?.Annotations ?? new Dictionary<string, string>());
        foreach (var (key, value) in Annotations(instancetype, preference))
            annotations.TryAdd(key, value);
        var metadata = annotations.Count == 0 ? template.Metadata : (template.Metadata ?? new ObjectMeta()) with { Annotations = annotations };
        return (machine with
        {
            Spec = (machine.Spec ?? new VirtualMachineSpec()) with { Instancetype = null, Preference = null, Template = template with { Spec = spec, Metadata = metadata } },
        }, conflicts);
    }

    /// <summary>For the instance's metadata, where it has no such key itself.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Annotations(VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec? preference) =>
        (instancetype?.Annotations ?? new Dictionary<string, string>()).Concat(preference?.Annotations ?? new Dictionary<string, string>());

    private static VirtualMachineInstanceSpec Size(VirtualMachineInstanceSpec spec, VirtualMachineInstancetypeSpec type, VirtualMachinePreferenceSpec? preference)
    {
        var domain = spec.Domain ?? new DomainSpec();
        var devices = domain.Devices ?? new Devices();
        return spec with
        {
            NodeSelector = type.NodeSelector ?? spec.NodeSelector,
            SchedulerName = type.SchedulerName is { Length: > 0 } scheduler ? scheduler : spec.SchedulerName,
            Domain = domain with
            {
                Cpu = type.Cpu is null ? domain.Cpu : Cpu(domain.Cpu ?? new CPU(), type.Cpu, preference),
                Memory = type.Memory is null ? domain.Memory : Memory(domain.Memory ?? new Memory(), type.Memory),
                Resources = Overcommit(domain.Resources, type.Memory),
                IoThreadsPolicy = type.IoThreadsPolicy ?? domain.IoThreadsPolicy,
                IoThreads = type.IoThreads ?? domain.IoThreads,
                LaunchSecurity = type.LaunchSecurity ?? domain.LaunchSecurity,
                Devices = devices with
                {
                    Gpus = type.Gpus is { Count: > 0 } gpus ? gpus : devices.Gpus,
                    HostDevices = type.HostDevices is { Count: > 0 } hostDevices ? hostDevices : devices.HostDevices,
                },
            },
        };
    }

    private static CPU Cpu(CPU cpu, CPUInstancetype type, VirtualMachinePreferenceSpec? preference) => CpuTopology.Apply(cpu, type.Guest ?? 0, preference) with
    {
        Model = type.Model ?? cpu.Model,
        DedicatedCpuPlacement = type.DedicatedCPUPlacement ?? cpu.DedicatedCpuPlacement,
        IsolateEmulatorThread = type.IsolateEmulatorThread ?? cpu.IsolateEmulatorThread,
        Numa = type.Numa ?? cpu.Numa,
        Realtime = type.Realtime ?? cpu.Realtime,
        MaxSockets = type.MaxSockets ?? cpu.MaxSockets,
    };

    private static Memory Memory(Memory memory, MemoryInstancetype type) => memory with
    {
        Guest = type.Guest,
        Hugepages = type.Hugepages ?? memory.Hugepages,
        MaxGuest = type.MaxGuest ?? memory.MaxGuest,
    };

    /// <summary>The pod asks for that much less than the guest sees.</summary>
    private static ResourceRequirements? Overcommit(ResourceRequirements? resources, MemoryInstancetype? memory)
    {
        if (memory is not { OvercommitPercent: > 0 and var percent, Guest: { } guest })
            return resources;
        // In KubeVirt's 32 bits, so that the pods of both ask for the same.
        var request = (long)((float)guest.Units * (1 - (float)percent / 100));
        return (resources ?? new ResourceRequirements()) with
        {
            Requests = new Dictionary<string, Quantity>(resources?.Requests ?? new Dictionary<string, Quantity>()) { ["memory"] = new(request.ToString(CultureInfo.InvariantCulture)) },
        };
    }
}
