using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instances;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Defaults;

/// <summary>
/// What a VMI spec gets where it says nothing. A VM's template keeps its gaps until a VMI is made of it; its rules are checked on a copy
/// that has these defaults.
/// </summary>
internal static class SpecDefaults
{
    public const string PodNetworkName = "default";
    private const string Cpu = "cpu";
    private const string Memory = "memory";
    private static readonly Quantity KubeVirtsCpuRequest = new("100m");

    /// <exception cref="AdmissionException">The cluster's settings contradict each other.</exception>
    public static VirtualMachineInstanceSpec Apply(VirtualMachineInstanceSpec spec, ClusterConfig config)
    {
        spec = spec with { Architecture = spec.Architecture is { Length: > 0 } own ? own : config.DefaultArchitecture };
        var domain = spec.Domain ?? new DomainSpec();
        domain = domain with
        {
            Machine = new Machine { Type = domain.Machine?.Type is { Length: > 0 } type ? type : config.MachineTypeOf(spec.Architecture) },
            Resources = Requests(domain, config),
        };
        domain = domain with { Memory = GuestMemory(domain) };
        domain = domain with { Cpu = Topology(domain) };
        spec = spec with { Domain = domain, EvictionStrategy = spec.EvictionStrategy ?? config.EvictionStrategy, Volumes = spec.Volumes?.Select(PullPolicy).ToList() };
        return DisksForVolumes(PodNetwork(spec, config));
    }

    private static ResourceRequirements? Requests(DomainSpec domain, ClusterConfig config)
    {
        var resources = domain.Resources;
        var (limit, request) = (Quantities.Entry(resources?.Limits, Cpu), Quantities.Entry(resources?.Requests, Cpu));
        if (limit.Value != 0 && request.Value == 0)
            return WithCpuRequest(resources, limit);
        var isChanged = config.CpuRequest is { } configured && configured.Value != KubeVirtsCpuRequest.Value;
        return isChanged && resources?.Requests?.ContainsKey(Cpu) is not true && domain.Cpu?.DedicatedCpuPlacement is not true
            ? WithCpuRequest(resources, config.CpuRequest!.Value)
            : resources;
    }

    private static ResourceRequirements WithCpuRequest(ResourceRequirements? resources, Quantity request) => (resources ?? new ResourceRequirements()) with
    {
        Requests = new Dictionary<string, Quantity>(resources?.Requests ?? new Dictionary<string, Quantity>()) { [Cpu] = request },
    };

    private static Memory GuestMemory(DomainSpec domain)
    {
        var memory = domain.Memory ?? new Memory();
        if (memory.Guest is not null)
            return memory;
        var (request, limit) = (Quantities.Entry(domain.Resources?.Requests, Memory), Quantities.Entry(domain.Resources?.Limits, Memory));
        if (request.Value != 0)
            return memory with { Guest = request };
        if (limit.Value != 0)
            return memory with { Guest = limit };
        return memory.Hugepages?.PageSize is { } page && Quantity.TryParse(page, out _) ? memory with { Guest = new Quantity(page) } : memory;
    }

    /// <summary>Sockets, because they can be plugged in later.</summary>
    private static CPU Topology(DomainSpec domain)
    {
        var cpu = domain.Cpu ?? new CPU();
        if (cpu is not { Cores: null or 0, Sockets: null or 0, Threads: null or 0 })
            return cpu;
        var given = domain.Resources?.Limits?.ContainsKey(Cpu) is true ? domain.Resources.Limits : domain.Resources?.Requests;
        // As in KubeVirt's 32 bits without a sign: a negative request becomes a huge number here, and is refused by its own name afterwards.
        var sockets = given?.ContainsKey(Cpu) is true ? unchecked((uint)given[Cpu].Units) : 1;
        return cpu with { Sockets = sockets, Cores = 1, Threads = 1 };
    }

    /// <summary>As Kubernetes does for containers: a tag that moves is pulled each time.</summary>
    private static Volume PullPolicy(Volume volume)
    {
        if (volume.ContainerDisk is not { ImagePullPolicy: null or "" } disk)
            return volume;
        var image = disk.Image.OrEmpty();
        var moves = image.EndsWith(":latest", StringComparison.Ordinal) || image.IndexOfAny([':', '@']) < 0;
        return volume with { ContainerDisk = disk with { ImagePullPolicy = moves ? "Always" : "IfNotPresent" } };
    }

    private static VirtualMachineInstanceSpec PodNetwork(VirtualMachineInstanceSpec spec, ClusterConfig config)
    {
        var devices = spec.Domain!.Devices ?? new Devices();
        if (devices.AutoattachPodInterface is false || devices.Interfaces is { Count: > 0 } || spec.Networks is { Count: > 0 })
            return spec;
        var nic = config.DefaultNetworkInterface switch
        {
            "bridge" when !config.PermitBridgeInterfaceOnPodNetwork => throw new AdmissionException("bridge interface is not enabled in kubevirt-config"),
            "bridge" => new Interface { Name = PodNetworkName, Bridge = new InterfaceBridge() },
            "slirp" => throw new AdmissionException("slirp interface is deprecated as of v1.3"),
            _ => new Interface { Name = PodNetworkName, Masquerade = new InterfaceMasquerade() },
        };
        return spec with
        {
            Networks = [new Network { Name = PodNetworkName, Pod = new PodNetwork() }],
            Domain = spec.Domain with { Devices = devices with { Interfaces = [nic] } },
        };
    }

    private static VirtualMachineInstanceSpec DisksForVolumes(VirtualMachineInstanceSpec spec)
    {
        var devices = spec.Domain!.Devices ?? new Devices();
        var disks = devices.Disks ?? [];
        var used = disks.Select(d => d.Name.OrEmpty()).Concat((devices.Filesystems ?? []).Select(f => f.Name.OrEmpty())).ToHashSet();
        var missing = (spec.Volumes ?? []).Where(v => !used.Contains(v.Name.OrEmpty())).Select(v => new Disk { Name = v.Name }).ToList();
        return missing.Count == 0 ? spec : spec with { Domain = spec.Domain with { Devices = devices with { Disks = [.. disks, .. missing] } } };
    }
}
