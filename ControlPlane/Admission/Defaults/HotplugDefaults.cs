using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>How far a guest may grow while it runs.</summary>
internal static class HotplugDefaults
{
    /// <summary>No machine type takes more.</summary>
    private const long MaxVcpus = 512;
    private const long BlockAlignment = 2 << 20;
    private const long GiB = 1 << 30;

    public static DomainSpec Apply(DomainSpec domain, string? architecture, ClusterConfig config)
    {
        if (!config.IsLiveUpdate || architecture == "arm64")
            return domain;
        domain = domain with { Cpu = MaxSockets(domain.Cpu ?? new CPU(), config) };
        return domain.Memory is null or { MaxGuest: not null } ? domain : domain with { Memory = domain.Memory with { MaxGuest = MaxGuest(domain, architecture, config) } };
    }

    private static CPU MaxSockets(CPU cpu, ClusterConfig config)
    {
        if (cpu.MaxSockets is > 0)
            return cpu;
        var sockets = cpu.Sockets ?? 0;
        if (config.MaxCpuSockets is > 0 and var configured)
            return cpu with { MaxSockets = Math.Max(configured, sockets) };
        var perSocket = (cpu.Cores ?? 0) * (cpu.Threads ?? 0);
        var max = sockets * config.MaxHotplugRatio;
        if (max * perSocket > MaxVcpus)
            max = Math.Max(MaxVcpus / perSocket, sockets);
        return cpu with { MaxSockets = max == 0 ? null : max };
    }

    private static Quantity? MaxGuest(DomainSpec domain, string? architecture, ClusterConfig config)
    {
        var max = config.MaxGuest ?? (domain.Memory?.Guest is { } guest
            ? Quantities.OfBytes(guest.Units * config.MaxHotplugRatio)
            : (Quantity?)null);
        return MemoryProblem(domain, architecture, max) is null ? max : null;
    }

    /// <summary>Why memory can't be plugged into this guest up to <paramref name="max"/>; null when it can.</summary>
    public static string? MemoryProblem(DomainSpec domain, string? architecture, Quantity? max)
    {
        if (domain.Cpu?.Realtime is not null)
            return "Memory hotplug is not compatible with realtime VMs";
        if (domain.Cpu?.Numa?.GuestMappingPassthrough is not null)
            return "Memory hotplug is not compatible with guest mapping passthrough";
        if (domain.LaunchSecurity is not null)
            return "Memory hotplug is not compatible with encrypted VMs";
        var alignment = domain.Memory?.Hugepages?.PageSize == "1Gi" ? GiB : BlockAlignment;
        var aligned = alignment == GiB ? "1Gi" : "2Mi";
        if (domain.Memory?.Guest is not { } guest)
            return "Guest memory must be configured when memory hotplug is enabled";
        if (max is not { } limit)
            return "Max guest memory must be configured when memory hotplug is enabled";
        if (guest.Value > limit.Value)
            return "Guest memory is greater than the configured maxGuest memory";
        if (guest.Units % alignment != 0)
            return $"Guest memory must be {aligned} aligned";
        if (limit.Units % alignment != 0)
            return $"MaxGuest must be {aligned} aligned";
        if (architecture != "amd64")
            return "Memory hotplug is only available for x86_64 VMs";
        return guest.Units < GiB ? "Memory hotplug is only available for VMs with at least 1Gi of guest memory" : null;
    }
}
