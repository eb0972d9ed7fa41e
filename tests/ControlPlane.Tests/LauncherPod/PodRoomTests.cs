using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.LauncherPod;

/// <summary>How large a running guest may become in the pod that it is in.</summary>
public class PodRoomTests
{
    private static readonly LauncherPodOptions Options = new("image", UseEmulation: true);

    [Fact]
    public void A_guest_without_limits_becomes_as_large_as_its_spec_says() =>
        Assert.Equal((4, 4L << 30), Ordered(Vmi(1, "1Gi"), Vmi(4, "4Gi")));

    [Fact]
    public void A_guest_does_not_outgrow_the_limits_of_its_pod_and_does_in_a_pod_that_is_made_for_it()
    {
        var (small, large) = (Vmi(1, "1Gi", ("cpu", "1"), ("memory", "1Gi")), Vmi(4, "4Gi", ("cpu", "4"), ("memory", "4Gi")));
        Assert.Equal((1, 1L << 30), Ordered(small, large));
        Assert.Equal((4, 4L << 30), Ordered(large, large, has: small));
    }

    [Fact]
    public void What_is_not_limited_grows_beside_what_is()
    {
        Assert.Equal((4, 1L << 30), Ordered(Vmi(1, "1Gi", ("memory", "1Gi")), Vmi(4, "4Gi", ("memory", "4Gi"))));
        Assert.Equal((1, 4L << 30), Ordered(Vmi(1, "1Gi", ("cpu", "1")), Vmi(4, "4Gi", ("cpu", "4"))));
    }

    [Fact]
    public void Huge_pages_are_what_a_pod_was_given_of_them() =>
        Assert.Equal((4, 1L << 30), Ordered(Huge(Vmi(1, "1Gi")), Huge(Vmi(4, "4Gi"))));

    [Fact]
    public void A_guest_becomes_smaller_whatever_its_pod_is_limited_to() =>
        Assert.Equal((1, 1L << 30), Ordered(Vmi(4, "4Gi", ("memory", "4Gi")), Vmi(1, "1Gi", ("memory", "1Gi"))));

    /// <summary>Sockets and bytes that a guest gets of a spec.</summary>
    private static (long Sockets, long Bytes) Ordered(VirtualMachineInstance podOf, VirtualMachineInstance wanted, VirtualMachineInstance? has = null)
    {
        var guest = (has ?? podOf).Spec!.Domain!;
        var limits = PodRoom.Limits(LauncherPodRenderer.Render(VmiDefaults.Apply(podOf), "pod", Options).Spec!.Containers![0].Resources);
        var bytes = guest.Memory!.Guest!.Value.Units;
        var state = new VmiState("uid")
        {
            Right = new Right(1, "node-1", "pod-uid"),
            Pod = new PodObservation("pod", "pod-uid", "node-1", "Running", true, false, [], null, null, null, null, null, null, null) { Limits = limits },
            Report = new("uid", "node-1", 1, "agent", 1, LauncherPresence.Connected, new DomainObservation { Epoch = 1, Memory = new MemoryObservation(bytes, bytes, bytes), Cpus = new CpuObservation(guest.Cpu!.Sockets!.Value, 1, 1) }),
        };
        var domain = PodRoom.AsFarAsThere(state, wanted).Spec!.Domain!;
        return (domain.Cpu!.Sockets!.Value, domain.Memory!.Guest!.Value.Units);
    }

    private static VirtualMachineInstance Huge(VirtualMachineInstance vmi) => vmi with
    {
        Spec = vmi.Spec! with { Domain = vmi.Spec.Domain! with { Memory = vmi.Spec.Domain.Memory! with { Hugepages = new Hugepages { PageSize = "2Mi" } } } },
    };

    private static VirtualMachineInstance Vmi(long sockets, string memory, params (string Name, string Value)[] limits) => new()
    {
        Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid" },
        Spec = new VirtualMachineInstanceSpec
        {
            Domain = new DomainSpec
            {
                Cpu = new CPU { Sockets = sockets },
                Memory = new Memory { Guest = new Quantity(memory) },
                Devices = new Devices(),
                Resources = limits.Length == 0 ? null : new ResourceRequirements { Limits = limits.ToDictionary(l => l.Name, l => new Quantity(l.Value)) },
            },
        },
    };
}
