using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
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
    [InlineData("""{ "kubevirt.io/pci-topology-version": "v2" }""", "v2")]
    [InlineData("{}", null)]
    public void The_layout_of_PCI_slots_is_the_guests_own(string annotations, string? version) =>
        Assert.Equal(version, (string?)At(Render(annotations: annotations), "metadata.annotations")!["kubevirt.io/pci-topology-version"]);

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

    [Theory]
    [InlineData("2", "{}", "3", false)]
    [InlineData("1", "{}", "2", true)]
    [InlineData("2", "{}", "4", true)]
    [InlineData("2", """{ "ioThreadsPolicy": "supplementalPool", "ioThreads": { "supplementalPoolThreadCount": 2 } }""", "6", true)]
    public void Pinned_vcpus_have_a_pool_of_IO_threads_and_an_even_number_of_CPUs_with_them(string cores, string more, string cpus, bool even)
    {
        var pod = Render(cpu: $$"""{ "cores": {{cores}}, "dedicatedCpuPlacement": true, "isolateEmulatorThread": true }""", domain: more,
            annotations: even ? """{ "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity": "" }""" : "{}");
        Assert.Equal((cpus, cpus), (Resource(pod, "requests", "cpu"), Resource(pod, "limits", "cpu")));
    }

    [Fact]
    public void A_pool_of_IO_threads_counts_among_vcpus_that_share_a_CPU_as_many_as_the_cluster_says()
    {
        const string pool = """{ "ioThreadsPolicy": "supplementalPool", "ioThreads": { "supplementalPoolThreadCount": 2 } }""";
        Assert.Equal("600m", Resource(Render(cpu: """{ "cores": 4 }""", domain: pool), "requests", "cpu"));
        Assert.Equal("3000m", Resource(Render(cpu: """{ "cores": 4 }""", domain: pool, options: Options with { Settings = new GuestSettings { CpuAllocationRatio = 2 } }), "requests", "cpu"));
    }

    [Fact]
    public void Memory_that_is_asked_for_beyond_the_guest_in_huge_pages_is_ordinary_memory()
    {
        var pod = Render(memory: """{ "guest": "1Gi", "hugepages": { "pageSize": "2Mi" } }, "resources": { "requests": { "memory": "2Gi" } }""");
        Assert.Equal("1073741824", Resource(pod, "requests", "hugepages-2Mi"));
        Assert.InRange(long.Parse(Resource(pod, "requests", "memory")!, System.Globalization.CultureInfo.InvariantCulture), 1100L << 20, 1600L << 20);
        Assert.Contains(Items(pod, "spec.volumes"), v => Is(v, "hugepages", "emptyDir", """{"medium":"HugePages"}"""));
    }

    [Fact]
    public void What_the_launcher_writes_comes_beside_what_its_owner_asks_for()
    {
        var pod = Render(memory: """{ "guest": "256Mi" }, "resources": { "requests": { "ephemeral-storage": "1G" }, "limits": { "ephemeral-storage": "2G" } }""");
        Assert.Equal(("1050000000", "2050000000"), (Resource(pod, "requests", "ephemeral-storage"), Resource(pod, "limits", "ephemeral-storage")));
    }

    [Theory]
    [InlineData("""{ "launchSecurity": { "sev": {} } }""", DeviceResources.Sev, "kubevirt.io/sev")]
    [InlineData("""{ "launchSecurity": { "snp": {} } }""", DeviceResources.Sev, "kubevirt.io/sev-snp")]
    [InlineData("""{ "launchSecurity": { "tdx": {} } }""", DeviceResources.Tdx, "kubevirt.io/tdx")]
    public void An_encrypted_guest_asks_for_its_device_and_for_a_node_that_can(string domain, string device, string label)
    {
        var pod = Render(domain: domain);
        Assert.Equal("1", Resource(pod, "limits", device));
        Assert.Equal("true", (string?)At(pod, "spec.nodeSelector")![label]);
    }

    [Fact]
    public void What_the_cluster_says_of_all_guests_is_in_their_pods()
    {
        var pod = Render(options: Options with
        {
            Settings = new GuestSettings
            {
                NodeSelectors = new Dictionary<string, string> { ["zone"] = "a", ["disk"] = "ssd" },
                RuntimeClass = "kata",
                ImagePullPolicy = "Always",
                Seccomp = new SeccompProfile { Type = "RuntimeDefault" },
                BalloonPeriod = 5,
                Smbios = new SMBiosConfiguration { Manufacturer = "Acme" },
            },
        }, nodeSelector: """{ "disk": "hdd" }""");
        Assert.Equal(("a", "hdd"), ((string?)At(pod, "spec.nodeSelector.zone"), (string?)At(pod, "spec.nodeSelector.disk")));
        Assert.Equal(("kata", "RuntimeDefault"), ((string?)At(pod, "spec.runtimeClassName"), (string?)At(pod, "spec.securityContext.seccompProfile.type")));
        Assert.Equal("Always", (string?)Items(pod, "spec.containers")[0]!["imagePullPolicy"]);
        Assert.Contains("""--memory-stats-period 5 --smbios {"manufacturer":"Acme"}""", string.Join(' ', Compute(pod, "command").Select(c => (string?)c)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pod_in_a_service_mesh_says_who_it_is_and_one_with_an_account_that_it_does_not_mount_does_not()
    {
        var meshed = Render(annotations: """{ "sidecar.istio.io/inject": "true", "kubevirt.io/latest-observed-api-version": "v1" }""");
        Assert.Equal(("true", true), ((string?)At(meshed, "metadata.labels")!["sidecar.istio.io/inject"], (bool)At(meshed, "spec.automountServiceAccountToken")!));
        Assert.Null(At(meshed, "metadata.annotations")!["kubevirt.io/latest-observed-api-version"]);
        var named = Render(spec: """{ "serviceAccountName": "own" }""", volumes: """[{ "name": "sa", "serviceAccount": { "serviceAccountName": "mounted" } }]""");
        Assert.Equal(("own", true), ((string?)At(named, "spec.serviceAccountName"), (bool)At(named, "spec.automountServiceAccountToken")!));
        Assert.False((bool)At(Render(spec: """{ "serviceAccountName": "own" }"""), "spec.automountServiceAccountToken")!);
    }

    [Theory]
    [InlineData("""{ "model": "host-model" }""", "node-labeller.kubevirt.io/obsolete-host-model")]
    [InlineData("""{ "model": "Haswell", "features": [{ "name": "vmx", "policy": "forbid" }] }""", "cpu-feature.node.kubevirt.io/vmx")]
    [InlineData("""{ "model": "Haswell" }""", null)]
    public void A_guest_keeps_away_from_nodes_whose_CPU_it_must_not_have(string cpu, string? label) =>
        Assert.Equal(label, (string?)At(Render(cpu: cpu), "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")?["nodeSelectorTerms"]![0]!["matchExpressions"]![0]!["key"]);

    [Fact]
    public void Side_cars_of_a_guest_with_CPUs_of_its_own_are_limited_too()
    {
        const string hooks = """{ "hooks.kubevirt.io/hookSidecars": "[{\"image\":\"i\"}]" }""";
        var options = Options with { HasHookSidecars = true, Settings = new GuestSettings { SupportResources = new Dictionary<string, ResourceRequirementsWithoutClaims> { ["sidecar"] = new() { Limits = new Dictionary<string, Quantity> { ["memory"] = new("32M") } } } } };
        JsonNode? Resources(string cpu) => Items(Render(cpu: cpu, annotations: hooks, options: options), "spec.containers").Single(c => (string?)c!["name"] == "hook-sidecar-0")!["resources"];
        Assert.Equal("""{"limits":{"memory":"32M","cpu":"200m"},"requests":{"memory":"32M","cpu":"200m"}}""", Resources("""{ "dedicatedCpuPlacement": true }""")!.ToJsonString());
        Assert.Equal("""{"limits":{"memory":"32M"},"requests":{}}""", Resources("{}")!.ToJsonString());
    }

    [Fact]
    public void Devices_that_the_cluster_does_not_permit_are_named_and_no_pod_is_made()
    {
        var settings = new GuestSettings { PermittedDevices = new HashSet<string> { "v/gpu" } };
        var vmi = Vmi(devices: """{ "gpus": [{ "name": "a", "deviceName": "v/gpu" }, { "name": "b", "deviceName": "v/other" }], "hostDevices": [{ "name": "c", "deviceName": "v/nic" }] }""");
        Assert.Equal("failed to render launch manifest: GPU v/other is not permitted in permittedHostDevices configuration HostDevice v/nic is not permitted in permittedHostDevices configuration", settings.Problem(vmi));
        Assert.Null(GuestSettings.Default.Problem(vmi));
    }

    [Fact]
    public void Without_hotplug_there_is_no_folder_for_plugged_disks()
    {
        Assert.Contains(Items(Render(), "spec.volumes"), v => (string?)v!["name"] == LauncherPaths.HotplugDisksVolume);
        Assert.DoesNotContain(Items(Render(devices: """{ "disableHotplug": true }"""), "spec.volumes"), v => (string?)v!["name"] == LauncherPaths.HotplugDisksVolume);
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
        string volumes = "[]", string cpu = "{}", string memory = """{ "guest": "256Mi" }""", string devices = "{}", string networks = "[]", IReadOnlyList<string>? blockClaims = null, LauncherPodOptions? options = null,
        string domain = "{}", string annotations = "{}", string nodeSelector = "{}", string spec = "{}")
    {
        var pod = LauncherPodRenderer.Render(Vmi(volumes, cpu, memory, devices, networks, domain, annotations, nodeSelector, spec), "pod", options ?? Options, new HashSet<string>(blockClaims ?? []));
        return JsonSerializer.SerializeToNode(pod, ApiJson.Default.Pod)!;
    }

    private static VirtualMachineInstance Vmi(
        string volumes = "[]", string cpu = "{}", string memory = """{ "guest": "256Mi" }""", string devices = "{}", string networks = "[]",
        string domain = "{}", string annotations = "{}", string nodeSelector = "{}", string spec = "{}")
    {
        var vmi = JsonNode.Parse(
            $$"""
            {
              "metadata": { "name": "vmi", "namespace": "ns", "uid": "u", "annotations": {{annotations}} },
              "spec": {
                "architecture": "amd64", "volumes": {{volumes}}, "networks": {{networks}}, "nodeSelector": {{nodeSelector}},
                "domain": { "machine": { "type": "q35" }, "cpu": {{cpu}}, "memory": {{memory}}, "devices": {{devices}} }
              }
            }
            """)!;
        foreach (var (target, more) in new[] { (vmi["spec"]!, spec), (vmi["spec"]!["domain"]!, domain) })
        {
            foreach (var (key, value) in JsonNode.Parse(more)!.AsObject())
                target[key] = value?.DeepClone();
        }

        return vmi.Deserialize(ApiJson.Default.VirtualMachineInstance)!;
    }

    private static JsonNode? At(JsonNode pod, string path) => path.Split('.').Aggregate((JsonNode?)pod, (node, step) => node?[step]);

    private static JsonArray Items(JsonNode pod, string path) => At(pod, path)!.AsArray();

    private static JsonArray Compute(JsonNode pod, string member) => Items(pod, "spec.containers").Single(c => (string?)c!["name"] == "compute")![member]!.AsArray();

    private static string? Resource(JsonNode pod, string kind, string name) =>
        (string?)Items(pod, "spec.containers").Single(c => (string?)c!["name"] == "compute")!["resources"]![kind]![name];

    private static bool Is(JsonNode? volume, string name, string source, string expected) => (string?)volume!["name"] == name && volume[source]?.ToJsonString() == expected;
}
