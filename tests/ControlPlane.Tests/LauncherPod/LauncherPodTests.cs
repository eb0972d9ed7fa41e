using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Xunit;

namespace Troupe.ControlPlane.Tests.LauncherPod;

public class LauncherPodTests
{
    private static readonly LauncherPodOptions Options = new("launcher", UseEmulation: false);

    [Fact]
    public void A_claim_is_mounted_or_given_as_a_device()
    {
        const string volumes = """[{ "name": "files", "persistentVolumeClaim": { "claimName": "a" } }, { "name": "disk", "dataVolume": { "name": "b" } }]""";
        var pod = Render(volumes: volumes, blockClaims: ["b"]);
        Assert.Contains(Items(pod, "spec.volumes"), v => Is(v, "files", "persistentVolumeClaim", """{"claimName":"a"}"""));
        Assert.Contains(Items(pod, "spec.volumes"), v => Is(v, "disk", "persistentVolumeClaim", """{"claimName":"b"}"""));
        Assert.Contains(Compute(pod, "volumeMounts"), m => (string?)m!["name"] == "files" && (string?)m["mountPath"] == LauncherPaths.HostDisk("files"));
        Assert.Equal("""[{"devicePath":"/dev/disk","name":"disk"}]""", Compute(pod, "volumeDevices").ToJsonString());
    }

    [Fact]
    public void What_is_plugged_in_later_is_not_in_the_pod() =>
        Assert.DoesNotContain(
            Items(Render(volumes: """[{ "name": "late", "persistentVolumeClaim": { "claimName": "a", "hotpluggable": true } }]"""), "spec.volumes"), v => (string?)v!["name"] == "late");

    [Theory]
    [InlineData("""{ "name": "v", "secret": { "secretName": "s" } }""", "v", "secret", """{"secretName":"s"}""")]
    [InlineData("""{ "name": "v", "configMap": { "name": "c" } }""", "v", "configMap", """{"name":"c"}""")]
    [InlineData("""{ "name": "v", "sysprep": { "secret": { "name": "s" } } }""", "v", "secret", """{"secretName":"s"}""")]
    [InlineData("""{ "name": "v", "cloudInitNoCloud": { "secretRef": { "name": "s" } } }""", "v", "secret", """{"secretName":"s"}""")]
    [InlineData("""{ "name": "v", "cloudInitNoCloud": { "networkDataSecretRef": { "name": "n" } } }""", "v-networkdata", "secret", """{"secretName":"n"}""")]
    [InlineData("""{ "name": "v", "hostDisk": { "path": "/data/disk.img", "type": "DiskOrCreate" } }""", "v", "hostPath", """{"path":"/data","type":"DirectoryOrCreate"}""")]
    public void Each_source_becomes_a_volume(string volume, string name, string source, string expected) =>
        Assert.Contains(Items(Render(volumes: $"[{volume}]"), "spec.volumes"), v => Is(v, name, source, expected));

    [Fact]
    public void Images_come_with_their_pull_secrets_once()
    {
        const string volumes = """[{ "name": "a", "containerDisk": { "image": "i", "imagePullSecret": "p" } }, { "name": "b", "containerDisk": { "image": "j", "imagePullSecret": "p" } }]""";
        Assert.Equal("""[{"name":"p"}]""", Items(Render(volumes: volumes), "spec.imagePullSecrets").ToJsonString());
    }

    [Fact]
    public void Pinned_vcpus_take_whole_cpus_and_their_memory_is_a_limit()
    {
        var pod = Render(cpu: """{ "cores": 2, "dedicatedCpuPlacement": true, "isolateEmulatorThread": true }""");
        Assert.Equal(("3", "3"), (Resource(pod, "requests", "cpu"), Resource(pod, "limits", "cpu")));
        Assert.Equal(Resource(pod, "requests", "memory"), Resource(pod, "limits", "memory"));
        Assert.Equal("true", (string?)At(pod, "spec.nodeSelector")!["kubevirt.io/cpumanager"]);
    }

    [Fact]
    public void Shared_vcpus_ask_for_a_tenth_of_a_cpu() => Assert.Equal("400m", Resource(Render(cpu: """{ "cores": 4 }"""), "requests", "cpu"));

    [Fact]
    public void The_overhead_may_be_left_out_of_what_is_requested_but_not_of_the_limit()
    {
        var pod = Render(memory: """{ "guest": "256Mi" }, "resources": { "overcommitGuestOverhead": true, "limits": { "memory": "256Mi" } }""");
        Assert.Equal("268435456", Resource(pod, "requests", "memory"));
        Assert.InRange(long.Parse(Resource(pod, "limits", "memory")!, System.Globalization.CultureInfo.InvariantCulture), 400L << 20, 800L << 20);
    }

    [Fact]
    public void Huge_pages_hold_the_guest_and_ordinary_memory_the_rest()
    {
        var pod = Render(memory: """{ "guest": "1Gi", "hugepages": { "pageSize": "2Mi" } }""");
        Assert.Equal("1073741824", Resource(pod, "limits", "hugepages-2Mi"));
        Assert.InRange(long.Parse(Resource(pod, "requests", "memory")!, System.Globalization.CultureInfo.InvariantCulture), 100L << 20, 500L << 20);
    }

    [Fact]
    public void Devices_are_counted_by_resource()
    {
        var pod = Render(devices: """{ "gpus": [{ "name": "a", "deviceName": "v/gpu" }, { "name": "b", "deviceName": "v/gpu" }], "hostDevices": [{ "name": "c", "deviceName": "v/nic" }] }""");
        Assert.Equal(("2", "2", "1"), (Resource(pod, "requests", "v/gpu"), Resource(pod, "limits", "v/gpu"), Resource(pod, "limits", "v/nic")));
        Assert.Equal("1", Resource(pod, "limits", DeviceResources.Kvm));
    }

    [Fact]
    public void Secondary_networks_are_named_to_multus()
    {
        var pod = Render(
            devices: """{ "interfaces": [{ "name": "a", "bridge": {}, "macAddress": "02:00:00:00:00:01" }, { "name": "b", "bridge": {} }] }""",
            networks: """[{ "name": "a", "multus": { "networkName": "other/net" } }, { "name": "b", "multus": { "networkName": "net", "default": true } }]""");
        var annotations = At(pod, "metadata.annotations")!;
        var attachment = JsonNode.Parse((string)annotations["k8s.v1.cni.cncf.io/networks"]!)!.AsArray().Single()!;
        Assert.Equal(("net", "other", "02:00:00:00:00:01"), ((string?)attachment["name"], (string?)attachment["namespace"], (string?)attachment["mac"]));
        Assert.Matches("^pod[0-9a-f]{11}$", (string?)attachment["interface"]);
        Assert.Equal("net", (string?)annotations["v1.multus-cni.io/default-network"]);
    }

    [Theory]
    [InlineData("""{ "model": "Haswell" }""", "cpu-model.node.kubevirt.io/Haswell")]
    [InlineData("""{ "features": [{ "name": "vmx" }] }""", "cpu-feature.node.kubevirt.io/vmx")]
    [InlineData("""{ "dedicatedCpuPlacement": true, "realtime": {} }""", "kubevirt.io/realtime")]
    public void The_node_must_have_what_the_cpu_asks_for(string cpu, string label) => Assert.True(At(Render(cpu: cpu), "spec.nodeSelector")!.AsObject().ContainsKey(label));

    [Theory]
    [InlineData("""{ "name": "x", "features": [{ "name": "vmx", "policy": "disable" }] }""", "cpu-feature.node.kubevirt.io/vmx")]
    [InlineData("""{ "model": "host-passthrough" }""", "cpu-model.node.kubevirt.io/host-passthrough")]
    public void The_node_need_not_have_what_the_cpu_does_not_require(string cpu, string label) => Assert.False(At(Render(cpu: cpu), "spec.nodeSelector")!.AsObject().ContainsKey(label));

    [Theory]
    [InlineData("[]", """[{"name":"migration","namespace":"kubevirt","interface":"migration0"}]""")]
    [InlineData("""[{ "name": "lan", "multus": { "networkName": "lan" } }]""", """[{"name":"lan","namespace":"ns","interface":"pod094a367b026"},{"name":"migration","namespace":"kubevirt","interface":"migration0"}]""")]
    public void A_launcher_joins_the_migration_network_beside_the_guests_own_networks(string networks, string expected)
    {
        var annotation = (string?)At(Render(networks: networks, options: Options with { MigrationNetwork = "kubevirt/migration" }), "metadata.annotations")!["k8s.v1.cni.cncf.io/networks"];
        Assert.Equal(expected, annotation);
        Assert.Null(At(Render(), "metadata.annotations")!["k8s.v1.cni.cncf.io/networks"]);
    }

    private static JsonNode Render(
        string volumes = "[]", string cpu = "{}", string memory = """{ "guest": "256Mi" }""", string devices = "{}", string networks = "[]", IReadOnlyList<string>? blockClaims = null, LauncherPodOptions? options = null)
    {
        var vmi = JsonSerializer.Deserialize(
            $$"""
            {
              "metadata": { "name": "vmi", "namespace": "ns", "uid": "u" },
              "spec": {
                "architecture": "amd64", "volumes": {{volumes}}, "networks": {{networks}},
                "domain": { "machine": { "type": "q35" }, "cpu": {{cpu}}, "memory": {{memory}}, "devices": {{devices}} }
              }
            }
            """, ApiJson.Default.VirtualMachineInstance)!;
        var pod = LauncherPodRenderer.Render(vmi, "pod", options ?? Options, new HashSet<string>(blockClaims ?? []));
        return JsonSerializer.SerializeToNode(pod, ApiJson.Default.Pod)!;
    }

    private static JsonNode? At(JsonNode pod, string path) => path.Split('.').Aggregate((JsonNode?)pod, (node, step) => node?[step]);

    private static JsonArray Items(JsonNode pod, string path) => At(pod, path)!.AsArray();

    private static JsonArray Compute(JsonNode pod, string member) => Items(pod, "spec.containers").Single(c => (string?)c!["name"] == "compute")![member]!.AsArray();

    private static string? Resource(JsonNode pod, string kind, string name) =>
        (string?)Items(pod, "spec.containers").Single(c => (string?)c!["name"] == "compute")!["resources"]![kind]![name];

    private static bool Is(JsonNode? volume, string name, string source, string expected) => (string?)volume!["name"] == name && volume[source]?.ToJsonString() == expected;
}
