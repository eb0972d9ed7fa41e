using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>A reason why a guest cannot go on here.</summary>
internal sealed record PreflightProblem(string Reason, string Message);

/// <summary>What a target has.</summary>
/// <param name="CpuProblem">What libvirt finds missing of the guest's CPU; null when nothing is, or it cannot tell.</param>
internal sealed record TargetPlatform(string Type, IReadOnlyCollection<string> Machines, string QemuVersion, string LibvirtVersion, string? CpuProblem);

/// <summary>Whether a guest that runs elsewhere can run here, as a pure function: asked by the target before it listens, so that nothing is sent in vain.</summary>
internal static class Preflight
{
    /// <summary>All that stands in the way, the most fundamental first.</summary>
    public static IReadOnlyList<PreflightProblem> Problems(PlatformObservation source, TargetPlatform target) => [.. Find(source, target)];

    private static IEnumerable<PreflightProblem> Find(PlatformObservation source, TargetPlatform target)
    {
        if (source.Type != target.Type)
            yield return new(PreflightReasons.Accelerator, $"the guest runs under {Accelerator(source.Type)}, and this node would run it under {Accelerator(target.Type)}");
        if (!target.Machines.Contains(source.Machine))
            yield return new(PreflightReasons.MachineType, $"this node has no machine type {source.Machine}");
        if (IsOlder(target.QemuVersion, source.QemuVersion))
            yield return new(PreflightReasons.Qemu, $"QEMU {target.QemuVersion} is older than the {source.QemuVersion} that the guest comes from");
        if (IsOlder(target.LibvirtVersion, source.LibvirtVersion))
            yield return new(PreflightReasons.Libvirt, $"libvirt {target.LibvirtVersion} is older than the {source.LibvirtVersion} that the guest comes from");
        if (target.CpuProblem is { } problem)
            yield return new(PreflightReasons.Cpu, problem);
    }

    private static string Accelerator(string type) => type == "kvm" ? "KVM" : "emulation";

    /// <summary>Guests move to the same or a newer release; the last number of a version is for mended bugs.</summary>
    private static bool IsOlder(string version, string than) =>
        Version.TryParse(version, out var v) && Version.TryParse(than, out var t) && (v.Major, v.Minor).CompareTo((t.Major, t.Minor)) < 0;
}
