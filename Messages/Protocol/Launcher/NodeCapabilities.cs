namespace Troupe.Messages.Protocol.Launcher;

/// <summary>What libvirt says this host can run; <c>virt-launcher --print-capabilities</c> prints it as JSON.</summary>
/// <param name="Machines">Machine types with their aliases (<c>q35</c>, <c>pc-q35-7.2</c>).</param>
/// <param name="CpuModels">Models that a guest may be given here.</param>
/// <param name="HostModelFeatures">Features that libvirt's host-model adds to the named model.</param>
public sealed record NodeCapabilities(
    bool HasKvm, string LibvirtVersion, string QemuVersion, IReadOnlyList<string> Machines, IReadOnlyList<string> CpuModels,
    string? HostModel, string? HostVendor, IReadOnlyList<string> HostModelFeatures);
