using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class InstanceDefaultTests
{
    [Theory]
    [InlineData("spec.architecture", "null", "spec.architecture", "\"amd64\"")]
    [InlineData("spec.architecture", "null", "spec.domain.machine.type", "\"q35\"")]
    [InlineData("spec.architecture", "\"arm64\"", "spec.domain.machine.type", "\"virt\"")]
    [InlineData("spec.architecture", "\"arm64\"", "spec.domain.cpu.model", "\"host-passthrough\"")]
    [InlineData("spec.architecture", "\"arm64\"", "spec.domain.firmware.bootloader.efi.secureBoot", "false")]
    [InlineData("spec.domain.cpu", "null", "spec.domain.cpu.model", "\"host-model\"")]
    [InlineData("spec.domain.cpu", "null", "spec.domain.cpu.sockets", "1")]
    [InlineData("spec.domain.resources", """{ "limits": { "cpu": "3" } }""", "spec.domain.cpu.sockets", "3")]
    [InlineData("spec.domain.resources", """{ "limits": { "cpu": "3" } }""", "spec.domain.resources.requests.cpu", "\"3\"")]
    [InlineData("spec.domain.cpu", """{ "cores": 2, "sockets": 3, "threads": 1 }""", "spec.domain.cpu.maxSockets", "12")]
    [InlineData("spec.domain.cpu", """{ "cores": 64, "sockets": 4, "threads": 1 }""", "spec.domain.cpu.maxSockets", "8")]
    [InlineData("spec.domain.memory", """{ "guest": "1Gi" }""", "spec.domain.memory.maxGuest", "\"4Gi\"")]
    [InlineData("spec.domain.memory", """{ "hugepages": { "pageSize": "2Mi" } }""", "spec.domain.memory.guest", "\"2Mi\"")]
    [InlineData("spec.domain.memory", """{ "guest": "1Gi" }""", "status.memory.guestAtBoot", "\"1Gi\"")]
    [InlineData("spec.domain.memory", """{ "guest": "1.5Gi" }""", "spec.domain.memory.guest", "\"1536Mi\"")]
    [InlineData("spec.domain.resources", """{ "requests": { "memory": "1024Mi" } }""", "spec.domain.resources.requests.memory", "\"1Gi\"")]
    [InlineData("spec.domain.devices.hostDevices", "[]", "spec.domain.devices.hostDevices", "null")]
    [InlineData("spec.domain.devices.disks[0]", """{ "name": "root" }""", "spec.domain.devices.disks[0].disk.bus", "\"sata\"")]
    [InlineData("spec.domain.devices.disks[0]", """{ "name": "root", "cdrom": {} }""", "spec.domain.devices.disks[0].cdrom.readonly", "true")]
    [InlineData("spec.domain.devices.disks", "[]", "spec.domain.devices.disks[0].name", "\"root\"")]
    [InlineData("spec.volumes[0].containerDisk.image", "\"registry/demo\"", "spec.volumes[0].containerDisk.imagePullPolicy", "\"Always\"")]
    [InlineData("spec.volumes[0].containerDisk.image", "\"registry/demo:1\"", "spec.volumes[0].containerDisk.imagePullPolicy", "\"IfNotPresent\"")]
    [InlineData("spec.domain.devices.inputs", """[{ "name": "i", "type": "tablet" }]""", "spec.domain.devices.inputs[0].bus", "\"usb\"")]
    [InlineData("spec.domain.devices.watchdog", """{ "name": "w" }""", "spec.domain.devices.watchdog.i6300esb.action", "\"reset\"")]
    [InlineData("spec.domain.features", """{ "hyperv": { "synictimer": {} } }""", "spec.domain.features.hyperv.vpindex.enabled", "true")]
    [InlineData("spec.domain.features", """{ "hyperv": { "spinlocks": {} } }""", "spec.domain.features.hyperv.spinlocks.spinlocks", "4096")]
    [InlineData("spec.domain.features", """{ "hyperv": { "evmcs": {} } }""", "spec.domain.cpu.features[0].name", "\"vmx\"")]
    [InlineData("spec.readinessProbe", """{ "tcpSocket": { "port": 22 } }""", "spec.readinessProbe.periodSeconds", "10")]
    [InlineData("spec.domain.clock", """{ "timer": { "hpet": {} } }""", "spec.domain.clock.timer.hpet.present", "true")]
    [InlineData("spec.networks", "null", "spec.networks[0].pod", "{}")]
    [InlineData("spec.evictionStrategy", "null", "spec.evictionStrategy", "\"None\"")]
    [InlineData("spec.evictionStrategy", "null", "status.phase", "\"Pending\"")]
    [InlineData("spec.evictionStrategy", "null", "status.runtimeUser", "107")]
    [InlineData("spec.evictionStrategy", "null", "metadata.finalizers[0]", "\"kubevirt.io/foregroundDeleteVirtualMachine\"")]
    public async Task A_gap_is_filled(string path, string json, string filled, string with)
    {
        var (verdict, stored) = await new AdmissionHarness().CreateAsync(Objects.Vmi().Set(path, json));

        Assert.Null(verdict.Refusal?.Message);
        Assert.Equal(JsonNode.Parse(with)?.ToJsonString(), At(stored!, filled)?.ToJsonString());
    }

    [Fact]
    public async Task The_clusters_settings_decide_where_the_machine_says_nothing()
    {
        var harness = new AdmissionHarness
        {
            Config = ClusterConfig.Default with { CpuModel = "Haswell", EvictionStrategy = "LiveMigrate", CpuRequest = new("250m"), DefaultNetworkInterface = "bridge", IsLiveUpdate = false },
        };

        var (_, stored) = await harness.CreateAsync(Objects.Vmi());

        Assert.Equal("Haswell", (string?)At(stored!, "spec.domain.cpu.model"));
        Assert.Equal("LiveMigrate", (string?)At(stored!, "spec.evictionStrategy"));
        Assert.Equal("250m", (string?)At(stored!, "spec.domain.resources.requests.cpu"));
        Assert.NotNull(At(stored!, "spec.domain.devices.interfaces[0].bridge"));
        Assert.Null(At(stored!, "spec.domain.cpu.maxSockets"));
    }

    [Fact]
    public async Task Defaults_are_a_fixed_point_but_for_what_creation_adds()
    {
        var (_, once) = await new AdmissionHarness().CreateAsync(Objects.Vmi());
        var (_, twice) = await new AdmissionHarness().CreateAsync(once!.DeepClone().AsObject());

        Assert.True(JsonNode.DeepEquals(once["spec"], twice!["spec"]));
    }

    internal static JsonNode? At(JsonNode node, string path)
    {
        var at = (JsonNode?)node;
        foreach (var step in path.Replace("[", ".").Replace("]", "").Split('.'))
            at = at is JsonArray array ? array.ElementAtOrDefault(int.Parse(step)) : at?[step];
        return at;
    }
}
