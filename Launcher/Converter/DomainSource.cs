using Troupe.Launcher.Disks;
using Troupe.Launcher.HostDevices;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Converter;

/// <summary>All that a domain is made of.</summary>
public sealed record DomainSource(
    VirtualMachineInstance Vmi, LaunchContext Context, IReadOnlyList<PreparedDisk> Disks, IReadOnlyList<AssignedDevice> HostDevices, HostFacts Host)
{
    private const string FreePageReportingDisabled = "kubevirt.io/free-page-reporting-disabled";

    /// <summary>False where the cluster forbids it or the guest's owner does by an annotation.</summary>
    public bool ReportsFreePages { get => field && Annotation(FreePageReportingDisabled) is not "true"; init; } = true;

    /// <summary>What the guest writes to its serial console is kept; what the guest's spec says goes before what the cluster does.</summary>
    public bool LogsSerialConsole { get => Devices.LogSerialConsole ?? field; init; } = true;

    /// <summary>Seconds between the guest's reports of its memory; 0 for none.</summary>
    public int BalloonPeriod { get; init; } = LauncherDefaults.BalloonPeriod;

    /// <summary>What the guest reads of its maker.</summary>
    public SMBiosConfiguration Smbios { get; init; } = LauncherDefaults.Smbios;

    public string? Annotation(string name) => Vmi.Metadata.Annotations?.GetValueOrDefault(name);

    public VirtualMachineInstanceSpec Spec => Vmi.Spec ?? throw new UnsupportedSpecException("spec", "is required", isInvalid: true);

    public DomainSpec Domain => Spec.Domain ?? throw new UnsupportedSpecException("spec.domain", "is required", isInvalid: true);

    public Devices Devices => Domain.Devices ?? new Devices();

    public CpuTopology Cpus => CpuTopology.Of(Domain.Cpu);

    /// <summary>QEMU's virtio devices come as modern ones, or as ones that old guests understand too.</summary>
    public string VirtioModel => Devices.UseVirtioTransitional is true ? "virtio-transitional" : "virtio-non-transitional";

    public bool HasDedicatedCpus => Domain.Cpu?.DedicatedCpuPlacement is true;

    /// <summary>SEV in any of its kinds.</summary>
    public bool IsSev => Domain.LaunchSecurity is { } security && (security.Sev ?? (object?)security.Snp) is not null;

    public bool IsEfi => Domain.Firmware?.Bootloader?.Efi is not null;
}
