using System.Globalization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>CPU sockets and guest memory that are added to a running guest.</summary>
internal static class LiveResources
{
    private const long OneGiB = 1L << 30;
    private const long HotplugBlock = 2L << 20;

    /// <returns>The instance's spec with the sockets plugged, and why a restart is needed instead.</returns>
    public static (VirtualMachineInstanceSpec Instance, string? Problem) Sockets(
        VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance, MachineConfig config)
    {
        var (cpu, running) = (wanted.Domain?.Cpu, instance.Domain?.Cpu);
        if (cpu?.Sockets is not { } sockets || (running?.Sockets ?? 1) is var now && sockets == now)
            return (instance, cpu?.Sockets is null && started.Domain?.Cpu?.Sockets is not null ? LiveUpdate.NotLiveUpdatable : null);
        if (instance.Architecture == "arm64")
            return (instance, "ARM doesn't support CPU hotplug");
        if (sockets < now)
            return (instance, "Reduction of CPU socket count requires a restart");
        if (running?.MaxSockets is not { } max || sockets > max)
            return (instance, "CPU sockets updated in template spec to a value higher than what's available");
        var added = (sockets - now) * (running.Cores ?? 1) * (running.Threads ?? 1);
        return (instance with
        {
            Domain = instance.Domain! with
            {
                Cpu = running with { Sockets = sockets },
                Resources = WithCpu(instance.Domain.Resources, added * 1000 / config.CpuAllocationRatio, added * 1000),
            },
        }, null);
    }

    public static (VirtualMachineInstanceSpec Instance, string? Problem) Memory(VirtualMachineInstanceSpec started, VirtualMachineInstanceSpec wanted, VirtualMachineInstanceSpec instance)
    {
        var running = instance.Domain?.Memory;
        if (wanted.Domain?.Memory?.Guest is not { } guest)
            return (instance, started.Domain?.Memory?.Guest is not null ? LiveUpdate.NotLiveUpdatable : null);
        if (running?.Guest is not { } now || guest.Units == now.Units)
            return (instance, null);
        if (started.Domain?.Memory?.Guest is { } boot && guest.Units < boot.Units)
            return (instance, "memory updated in template spec to a value lower than what the VM started with");
        if (running.MaxGuest is not { } max)
            return (instance, "memory updated in template spec. Memory-hotplug is not available for this VM configuration");
        if (guest.Units > max.Units)
            return (instance, "memory updated in template spec to a value higher than what's available");
        if (Unsupported(instance, guest) is { } reason)
            return (instance, reason);
        var domain = instance.Domain!;
        return (instance with { Domain = domain with { Memory = running with { Guest = guest }, Resources = WithMemory(domain.Resources, guest.Units - now.Units) } }, null);
    }

    private static string? Unsupported(VirtualMachineInstanceSpec instance, Quantity guest) => instance.Domain switch
    {
        _ when instance.Architecture is not (null or "" or "amd64") => "Memory hotplug is only available for x86_64 VMs",
        { LaunchSecurity: not null } => "Memory hotplug is not compatible with encrypted VMs",
        { Cpu.Realtime: not null } => "Memory hotplug is not compatible with realtime VMs",
        { Cpu.Numa.GuestMappingPassthrough: not null } => "Memory hotplug is not compatible with guest mapping passthrough",
        _ when guest.Units < OneGiB => "Memory hotplug is only available for VMs with at least 1Gi of guest memory",
        { Memory.Hugepages.PageSize: "1Gi" } when guest.Units % OneGiB != 0 => "Guest memory must be 1Gi aligned",
        _ when guest.Units % HotplugBlock != 0 => "Guest memory must be 2Mi aligned",
        _ => null,
    };

    private static ResourceRequirements? WithCpu(ResourceRequirements? resources, long requestMilli, long limitMilli) => resources is null ? null : resources with
    {
        Requests = Plus(resources.Requests, "cpu", q => new Quantity((q.Milli + requestMilli).ToString(CultureInfo.InvariantCulture) + "m")),
        Limits = Plus(resources.Limits, "cpu", q => new Quantity((q.Milli + limitMilli).ToString(CultureInfo.InvariantCulture) + "m")),
    };

    private static ResourceRequirements? WithMemory(ResourceRequirements? resources, long bytes) => resources is null ? null : resources with
    {
        Requests = Plus(resources.Requests, "memory", q => Quantity.FromBytes(q.Units + bytes)),
        Limits = Plus(resources.Limits, "memory", q => Quantity.FromBytes(q.Units + bytes)),
    };

    private static IReadOnlyDictionary<string, Quantity>? Plus(IReadOnlyDictionary<string, Quantity>? of, string key, Func<Quantity, Quantity> change) =>
        of is not null && of.TryGetValue(key, out var value) ? new Dictionary<string, Quantity>(of) { [key] = change(value) } : of;
}
