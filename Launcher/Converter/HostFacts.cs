namespace Troupe.Launcher.Converter;

/// <summary>What of the node and the pod a domain depends on.</summary>
public sealed record HostFacts
{
    /// <summary>CPUs that the pod may use.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];

    /// <summary>NUMA nodes with their CPUs.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<int>> NumaNodes { get; init; } = new Dictionary<int, IReadOnlyList<int>>();

    /// <summary>Threads of the core that a CPU belongs to, itself among them; those that are not in here are alone.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<int>> Siblings { get; init; } = new Dictionary<int, IReadOnlyList<int>>();

    /// <summary>Of libvirt.</summary>
    public Version Libvirt { get; init; } = new(9, 0, 0);

    /// <summary>UEFI images, null where the package is missing.</summary>
    public UefiImages? Uefi { get; init; }
    public UefiImages? SecureUefi { get; init; }

    /// <summary>UEFI for encrypted guests: that of SEV has variables, the others are one read-only image each.</summary>
    public UefiImages? SevUefi { get; init; }
    public string? SnpUefi { get; init; }
    public string? TdxUefi { get; init; }
    public string? SecureTdxUefi { get; init; }
    public bool HasVhostNet { get; init; }
    public bool HasVhostVsock { get; init; }
    public bool HasSev { get; init; }
    public bool HasSwtpm { get; init; }
}

/// <param name="Code">The firmware, mapped read-only.</param>
/// <param name="Vars">Template of the variable store.</param>
public sealed record UefiImages(string Code, string Vars);
