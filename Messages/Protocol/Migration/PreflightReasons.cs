namespace Troupe.Messages.Protocol.Migration;

/// <summary>Why a target cannot take a guest over, found before anything is sent.</summary>
public static class PreflightReasons
{
    public const string Accelerator = "IncompatibleAccelerator";
    public const string MachineType = "IncompatibleMachineType";
    public const string Cpu = "IncompatibleCPU";
    public const string Qemu = "IncompatibleQEMU";
    public const string Libvirt = "IncompatibleLibvirt";

    /// <summary>Of a device, disk or host resource that the spec asks for.</summary>
    public const string Device = "IncompatibleDevice";

    public static IReadOnlySet<string> All { get; } = new HashSet<string>([Accelerator, MachineType, Cpu, Qemu, Libvirt, Device]);
}
