using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>NVIDIA Grace GPUs that are passed through.</summary>
public class GraceTests
{
    private const string Gpus = """[{ "name": "g", "deviceName": "nvidia.com/grace" }]""";

    [Fact]
    public async Task A_Grace_GPU_needs_its_gate()
    {
        var cause = Assert.Single(await CausesAsync("10DE:2342"));

        Assert.Equal(("spec.domain.devices.gpus[0].deviceName", "GraceIOVirtualization feature gate must be enabled for NVIDIA Grace GPU passthrough resource \"nvidia.com/grace\""), cause);
    }

    [Theory]
    [InlineData("10DE:20B5")]
    [InlineData("8086:2342")]
    [InlineData("10DE:*")]
    [InlineData("10DE")]
    public async Task Other_devices_need_none(string selector) => Assert.Empty(await CausesAsync(selector));

    [Fact]
    public async Task With_the_gate_a_selector_for_all_of_NVIDIAs_devices_is_too_vague() =>
        Assert.Equal([("spec.domain.devices.gpus[0].deviceName", "GraceIOVirtualization requires an exact pciVendorSelector for NVIDIA PCI host device resource \"nvidia.com/grace\"")],
            await CausesAsync("10de:*", FeatureGates.GraceIOVirtualization));

    [Fact]
    public async Task With_the_gate_the_guest_must_be_one_of_Graces()
    {
        Assert.Equal(
            [
                ("spec.architecture", "GraceIOVirtualization requires arm64 architecture"),
                ("spec.domain.machine.type", "GraceIOVirtualization requires \"virt\" machine type"),
                ("spec.domain.cpu.dedicatedCpuPlacement", "GraceIOVirtualization requires dedicated CPU placement"),
                ("spec.domain.devices", "PCINUMAAwareTopology feature gate must be enabled when GraceIOVirtualization is used"),
                ("spec.domain.devices", "IOMMUFD feature gate must be enabled when GraceIOVirtualization is used"),
            ],
            await CausesAsync("0x10de:0x2348", FeatureGates.GraceIOVirtualization));
    }

    [Fact]
    public async Task A_guest_of_Graces_is_admitted_unless_annotations_lay_out_its_PCI_otherwise()
    {
        var harness = Harness("10DE:2941", FeatureGates.GraceIOVirtualization, FeatureGates.PCINUMAAwareTopology, FeatureGates.IOMMUFD);
        var vmi = Objects.Vmi().Set("spec.domain.devices.gpus", Gpus).Set("spec.architecture", "\"arm64\"").Set("spec.domain.cpu", """{ "cores": 2, "dedicatedCpuPlacement": true }""");
        Assert.Null((await harness.CreateAsync(vmi)).Verdict.Refusal?.Message);

        vmi.Set("metadata.annotations", """{ "kubevirt.io/placePCIDevicesOnRootComplex": "true", "kubevirt.io/disablePCIHole64": "true" }""");
        var causes = (await harness.CreateAsync(vmi)).Verdict.Refusal!.Details!.Causes!;

        Assert.Equal(["metadata.annotations[kubevirt.io/placePCIDevicesOnRootComplex]", "metadata.annotations[kubevirt.io/disablePCIHole64]"], causes.Select(c => c.Field));
    }

    [Fact]
    public void Selectors_are_those_of_the_permitted_host_devices()
    {
        var devices = new PermittedHostDevices { PciHostDevices = [new PciHostDevice { ResourceName = "a", PciVendorSelector = "1:2" }, new PciHostDevice { ResourceName = "b" }] };
        var config = ClusterConfigReader.Read(new KubeVirt { Spec = new KubeVirtSpec { Configuration = new KubeVirtConfiguration { PermittedHostDevices = devices } } });

        Assert.Equal(new Dictionary<string, string> { ["a"] = "1:2" }, config.PciSelectors);
    }

    private static async Task<IEnumerable<(string?, string?)>> CausesAsync(string selector, params string[] gates)
    {
        var (verdict, _) = await Harness(selector, gates).CreateAsync(Objects.Vmi().Set("spec.domain.devices.gpus", Gpus));
        return (verdict.Refusal?.Details?.Causes ?? []).Select(c => (c.Field, c.Message));
    }

    private static AdmissionHarness Harness(string selector, params string[] gates) => new()
    {
        Config = ClusterConfig.Default with { EnabledGates = gates, PciSelectors = new Dictionary<string, string> { ["nvidia.com/grace"] = selector } },
    };
}
