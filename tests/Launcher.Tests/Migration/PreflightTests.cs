using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Xunit;

namespace Troupe.Launcher.Tests.Migration;

/// <summary>What a target says before anything is sent to it.</summary>
public sealed class PreflightTests
{
    private static readonly PlatformObservation Source = new("kvm", "pc-q35-7.2", "7.2.22", "9.0.0", "<cpu/>");
    private static readonly TargetPlatform Target = new("kvm", ["pc-q35-7.2", "q35"], "7.2.9", "9.0.4", null);

    [Fact]
    public void A_node_like_the_source_takes_the_guest_whatever_its_bug_fixes() => Assert.Empty(Preflight.Problems(Source, Target));

    [Fact]
    public void A_newer_node_takes_the_guest() => Assert.Empty(Preflight.Problems(Source, Target with { QemuVersion = "10.0.1", LibvirtVersion = "11.3.0" }));

    [Theory]
    [InlineData("qemu", "pc-q35-7.2", "7.2.0", "9.0.0", PreflightReasons.Accelerator)]
    [InlineData("kvm", "pc-q35-9.1", "7.2.0", "9.0.0", PreflightReasons.MachineType)]
    [InlineData("kvm", "pc-q35-7.2", "8.0.0", "9.0.0", PreflightReasons.Qemu)]
    [InlineData("kvm", "pc-q35-7.2", "7.2.0", "9.10.0", PreflightReasons.Libvirt)]
    public void What_the_node_cannot_do_is_named(string type, string machine, string qemu, string libvirt, string reason)
    {
        var problem = Assert.Single(Preflight.Problems(new PlatformObservation(type, machine, qemu, libvirt, null), Target));
        Assert.Equal(reason, problem.Reason);
        Assert.Contains(problem.Reason, PreflightReasons.All);
    }

    [Fact]
    public void All_problems_are_told_and_not_only_the_first()
    {
        var problems = Preflight.Problems(Source with { Machine = "pc-q35-9.1", QemuVersion = "9.1.0" }, Target with { CpuProblem = "missing features: avx512f" });
        Assert.Equal([PreflightReasons.MachineType, PreflightReasons.Qemu, PreflightReasons.Cpu], problems.Select(p => p.Reason));
    }
}
